"""What production refuses to start with, each with a sentence that names the setting."""

import os
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.db import connection

from tests.config import production

REQUIRED = [
    "SECRET_KEY",
    "ALLOWED_HOSTS",
    "PUBLIC_BASE_URL",
    "DATABASE_URL",
    "STRIPE_SECRET_KEY",
    "STRIPE_WEBHOOK_SECRET",
]
REFUSAL = "django.core.exceptions.ImproperlyConfigured: "


def test_production_loads_with_everything_set() -> None:
    assert production.load_wsgi().returncode == 0


@pytest.mark.parametrize("name", REQUIRED)
def test_production_does_not_load_without(name: str) -> None:
    done = production.load_wsgi(**{name: "", "MIGRATE_DATABASE_URL": ""})

    assert done.returncode == 1
    assert production.last_line(done) == (
        f"{REFUSAL}Coffer does not start without: {name}. Set them in the environment or in .env, "
        "or set DEBUG=true for a demo."
    )


def test_deploy_check_names_everything_that_is_missing() -> None:
    done = production.run(
        "manage.py", "check", "--deploy", **dict.fromkeys([*REQUIRED, "MIGRATE_DATABASE_URL"], "")
    )

    assert done.returncode == 1
    assert [name for name in REQUIRED if f"(config.E001) {name} is not set." in done.stderr] == REQUIRED


def test_all_that_is_missing_is_named_at_once() -> None:
    done = production.load_wsgi(**dict.fromkeys([*REQUIRED, "MIGRATE_DATABASE_URL"], ""))

    assert f"without: {', '.join(REQUIRED)}." in production.last_line(done)


def test_a_command_without_them_says_so_and_no_more() -> None:
    done = production.run("manage.py", "sweep", DATABASE_URL="", MIGRATE_DATABASE_URL="")

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "Coffer does not start without: DATABASE_URL. Set them in the environment or in .env, "
        "or set DEBUG=true for a demo.\n"
    )


def test_a_command_says_which_setting_cannot_be_meant() -> None:
    done = production.run("manage.py", "sweep", DEBUG="maybe")

    assert (done.returncode, done.stderr) == (1, "DEBUG is true or false.\n")


@pytest.mark.parametrize("empty", [" ", ",", " , ,"])
def test_webhook_secret_of_nothing_is_missing(empty: str) -> None:
    done = production.load_wsgi(STRIPE_WEBHOOK_SECRET=empty)

    assert "without: STRIPE_WEBHOOK_SECRET." in production.last_line(done)


def test_the_example_says_what_to_fill_in() -> None:
    """After `cp .env.example .env`, with nothing in the environment."""
    script = f"import os; [os.environ.pop(name, None) for name in {REQUIRED}]; import config.wsgi"

    done = production.run("-c", script, COFFER_ENV_FILE=".env.example")

    assert "without: SECRET_KEY, STRIPE_SECRET_KEY, STRIPE_WEBHOOK_SECRET." in production.last_line(done)


@pytest.mark.parametrize("key", ["sk_live_abc", "rk_live_abc"])
def test_live_key_is_refused_under_debug(key: str) -> None:
    done = production.load_wsgi(STRIPE_SECRET_KEY=key, DEBUG="true")

    assert done.returncode == 1
    assert production.last_line(done) == (
        f"{REFUSAL}STRIPE_SECRET_KEY is a live key: it is refused while DEBUG is on."
    )
    assert key not in done.stderr


@pytest.mark.parametrize("key", ["sk_live_abc", "rk_live_abc"])
def test_live_key_is_never_sent_elsewhere(key: str) -> None:
    done = production.load_wsgi(STRIPE_SECRET_KEY=key, STRIPE_API_BASE="http://localhost:8001")

    assert done.returncode == 1
    assert production.last_line(done) == (
        f"{REFUSAL}STRIPE_SECRET_KEY is a live key: it is never sent to another STRIPE_API_BASE."
    )
    assert key not in done.stderr


def test_a_publishable_key_is_refused() -> None:
    done = production.load_wsgi(STRIPE_SECRET_KEY="pk_test_abc")

    assert production.last_line(done) == (
        f"{REFUSAL}STRIPE_SECRET_KEY is a publishable key: take the secret one beside it."
    )


def test_live_key_is_welcome_in_production() -> None:
    assert production.load_wsgi(STRIPE_SECRET_KEY="sk_live_abc").returncode == 0


def test_debug_requires_nothing_but_a_database() -> None:
    nothing = dict.fromkeys([name for name in REQUIRED if name != "DATABASE_URL"], "")

    assert production.load_wsgi(DEBUG="true", **nothing).returncode == 0


def test_deploy_check_has_nothing_to_say_in_production(db: None) -> None:
    """With the migrated and hardened database of the tests."""
    url = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}").geturl()

    done = production.run("manage.py", "check", "--deploy", "--fail-level", "WARNING", DATABASE_URL=url)

    assert (done.returncode, done.stdout, done.stderr) == (
        0,
        "System check identified no issues (2 silenced).\n",
        "",
    )


def test_settings_come_from_a_file_too_and_the_environment_wins(tmp_path: Path) -> None:
    (tmp_path / "env").write_text("BRAND_NAME=Gems\nSUPPORT_EMAIL=help@gems.example\n")
    script = "from django.conf import settings; print(settings.BRAND_NAME, settings.SUPPORT_EMAIL)"

    done = production.run(
        "-c",
        script,
        COFFER_ENV_FILE=str(tmp_path / "env"),
        SUPPORT_EMAIL="ops@gems.example",
        DJANGO_SETTINGS_MODULE="config.settings",
    )

    assert done.stdout == "Gems ops@gems.example\n"


@pytest.mark.parametrize(
    ("base", "found"),
    [("", "http://localhost:9401"), ("http://localhost:9402", "http://localhost:9402")],
)
def test_a_command_finds_the_demos_sandbox(base: str, found: str) -> None:
    done = production.run(
        *("-c", "from django.conf import settings; print(settings.STRIPE_API_BASE)"),
        DJANGO_SETTINGS_MODULE="config.settings",
        DEBUG="true",
        SANDBOX_PORT="9401",
        STRIPE_SECRET_KEY="",
        STRIPE_API_BASE=base,
    )

    assert done.stdout == f"{found}\n"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("", "https://credits.example.com/pricing/"),
        ("/gems/", "https://credits.example.com/gems/"),
        ("https://shop.example.com/gems", "https://shop.example.com/gems"),
    ],
)
def test_other_back_ends_are_told_a_whole_address(given: str, told: str) -> None:
    script = "from django.conf import settings; print(settings.TOP_UP_URL)"

    done = production.run("-c", script, DJANGO_SETTINGS_MODULE="config.settings", TOP_UP_URL=given)

    assert done.stdout == f"{told}\n"
