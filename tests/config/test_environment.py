"""Settings that cannot be meant are refused in a sentence that names them."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from config import throttle_settings
from config.environment import Environment
from tests.config import production

env = Environment()
NAME = "COFFER_TESTED"


@pytest.fixture
def given(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv(NAME, request.param)
    return str(request.param)


@pytest.mark.parametrize("given", ["maybe", "ture", "2", "-1", "none"], indirect=True)
def test_yes_or_no_is_one_of_them(given: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=f"^{NAME} is true or false.$"):
        env.bool(NAME, default=False)


@pytest.mark.parametrize(
    ("given", "meant"),
    [("True", True), (" on ", True), ("0", False), ("No", False), ("", True)],
    indirect=["given"],
)
def test_yes_or_no_has_several_words(given: str, meant: bool) -> None:
    assert env.bool(NAME, default=True) is meant


@pytest.mark.parametrize("given", ["x", "-1", "1.5", "0", "9 9"], indirect=True)
def test_a_whole_number_is_large_enough(given: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=f"^{NAME} is a whole number of at least 1.$"):
        env.int(NAME, default=5, at_least=1, at_most=9)


@pytest.mark.parametrize("given", ["10", "99999999999999999999"], indirect=True)
def test_a_whole_number_is_small_enough(given: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=f"^{NAME} is a whole number of at most 9.$"):
        env.int(NAME, default=5, at_most=9)


@pytest.mark.parametrize("given", ["36501", "1000000000"], indirect=True)
def test_days_end_before_dates_do(given: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=f"^{NAME} is a whole number of at most 36500.$"):
        env.days(NAME, default=5)


@pytest.mark.parametrize("given", ["x", "-1", "0", "nan", "inf", "1e300", "1e10", "8s"], indirect=True)
def test_seconds_are_neither_too_few_nor_too_many(given: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=rf"^{NAME} is a number from 0.1 to 1e\+09.$"):
        env.seconds(NAME, default=8.0, at_least=0.1)


@pytest.mark.parametrize("given", ["", " "], indirect=True)
def test_what_is_empty_is_not_set(given: str) -> None:
    assert (
        env.int(NAME, default=5, at_most=9),
        env.seconds(NAME, default=0.5),
        env.str(NAME, default="x"),
    ) == (
        5,
        0.5,
        "",
    )
    assert (env.list(NAME), env.web_address(NAME), env.postgres(NAME)) == ([], "", "")


@pytest.mark.parametrize("given", [" a , ,b "], indirect=True)
def test_spaces_do_not_count(given: str) -> None:
    assert (env.list(NAME), env.str(NAME)) == (["a", "b"], "a , ,b")


@pytest.mark.parametrize("given", ["whsec_new, whsec_,whsec_..., whsec_old"], indirect=True)
def test_what_an_example_writes_is_no_secret(given: str) -> None:
    assert env.secrets(NAME) == ["whsec_new", "whsec_old"]


@pytest.mark.parametrize(
    "given",
    [
        "example.com",
        "javascript:alert(1)",
        "https://",
        "ftp://a.example",
        "https://a.example:x",
        "https://a b",
        "https://a\nb",
        "https://a.example/\tx",
        "https://a.example/?x",
        "https://a.example/#x",
        "https://me@a.example",
        "https://[a",
    ],
    indirect=True,
)
def test_an_address_is_of_the_web(given: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=f"^{NAME} is written like https://credits.example.com.$"):
        env.web_address(NAME)


@pytest.mark.parametrize("given", ["/terms/", "https://a.example/terms?v=2#top", ""], indirect=True)
def test_a_link_leads_to_a_page(given: str) -> None:
    assert env.link(NAME) == given


@pytest.mark.parametrize(
    "given",
    [
        "javascript:alert(1)",
        "terms",
        "//a.example",
        "/\\a.example",
        "https://",
        "/a\nb",
        "/a b",
        "/" + "a" * 500,
    ],
    indirect=True,
)
def test_a_link_leads_nowhere_else(given: str) -> None:
    with pytest.raises(
        ImproperlyConfigured, match=f"^{NAME} is a path such as /terms/, or written like https://"
    ):
        env.link(NAME)


@pytest.mark.parametrize("given", ["https://a.example/", " https://a.example"], indirect=True)
def test_an_address_has_no_slash_at_its_end(given: str) -> None:
    assert env.web_address(NAME) == "https://a.example"


@pytest.mark.parametrize(
    "given", ["sqlite:///x.db", "mysql://h/x", "x", "postgresql://h:port/x"], indirect=True
)
def test_the_database_is_postgresql(given: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=f"^{NAME} is written like postgresql://"):
        env.postgres(NAME)


@pytest.mark.parametrize("given", ["console", "", "consolemail://"], indirect=True)
def test_mails_go_to_the_console(given: str) -> None:
    assert env.mail(NAME)["EMAIL_BACKEND"] == "django.core.mail.backends.console.EmailBackend"


@pytest.mark.parametrize("given", ["post", "smtp://h:port", "post://h"], indirect=True)
def test_another_mail_server_is_refused(given: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=f"^{NAME} is console, or written like smtp"):
        env.mail(NAME)


def test_another_cache_is_refused() -> None:
    with pytest.raises(ImproperlyConfigured, match=f"^{NAME} is written like redis://host:6379/0.$"):
        env.cache(NAME, "nowhere")


@pytest.mark.parametrize(
    "given",
    ["rediss://h/0", "amqp://a:5672;amqp://b:5672", "sentinel://h:26379", "filesystem://"],
    indirect=True,
)
def test_a_broker_is_one_of_those_that_celery_knows(given: str) -> None:
    assert env.broker(NAME) == given


@pytest.mark.parametrize("throttle", ["0/60", "5/0", "-1/60", "5", "60/99999999999999", "9999999999/60"])
def test_a_throttle_counts(throttle: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THROTTLE_STARTS", throttle)

    with pytest.raises(
        ImproperlyConfigured, match=r"^THROTTLE_STARTS is written as COUNT/SECONDS, such as 60/600\.$"
    ):
        throttle_settings.read(env)


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("SECRET_KEY", " ", "Coffer does not start without: SECRET_KEY."),
        ("ALLOWED_HOSTS", " , ", "Coffer does not start without: ALLOWED_HOSTS."),
        ("CELERY_BROKER_URL", "foo://x", "CELERY_BROKER_URL is written like redis://host:6379/0."),
        ("CELERY_BROKER_URL", "redis", "CELERY_BROKER_URL is written like redis://host:6379/0."),
        ("PUBLIC_BASE_URL", "https://a.example\nx", "PUBLIC_BASE_URL is written like"),
        ("TERMS_URL", "javascript:alert(1)", "TERMS_URL is a path such as /terms/, or written like https://"),
        ("TERMS_CONSENT", "true", "TERMS_CONSENT needs TERMS_URL"),
        ("TERMS_VERSION", "2" * 501, "TERMS_VERSION has at most 500 characters."),
        (
            "TOP_UP_URL",
            "javascript:alert(1)",
            "TOP_UP_URL is a path such as /terms/, or written like https://",
        ),
        (
            "STRIPE_LOCALE",
            "zz",
            "STRIPE_LOCALE is page, auto, or a language of Stripe's page such as de or fr-CA.",
        ),
        ("STRIPE_SECRET_KEY", "sk_test_", "Coffer does not start without: STRIPE_SECRET_KEY."),
        ("STRIPE_SECRET_KEY", "rk_live_...", "Coffer does not start without: STRIPE_SECRET_KEY."),
        ("STRIPE_WEBHOOK_SECRET", " whsec_ ", "Coffer does not start without: STRIPE_WEBHOOK_SECRET."),
        ("PUBLIC_BASE_URL", "example.com", "PUBLIC_BASE_URL is written like"),
        ("DATABASE_URL", "sqlite:///x.db", "DATABASE_URL is written like"),
        ("DEBUG", "maybe", "DEBUG is true or false."),
        ("TRUSTED_PROXY_COUNT", "-1", "TRUSTED_PROXY_COUNT is a whole number of at least 0."),
        ("STRIPE_TIMEOUT_SECONDS", "0", "STRIPE_TIMEOUT_SECONDS is a number from 0.1 to 600."),
        ("STRIPE_TIMEOUT_SECONDS", "1e300", "STRIPE_TIMEOUT_SECONDS is a number from 0.1 to 600."),
        ("STRIPE_CONCURRENT_CALLS", "9" * 23, "STRIPE_CONCURRENT_CALLS is a whole number of at most 1000."),
        ("PURCHASES_SWEEP_SECONDS", "9" * 14, "PURCHASES_SWEEP_SECONDS is a number from 0.1 to 1e+09."),
        (
            "PURCHASES_FIRST_CHECK_SECONDS",
            "9" * 14,
            "PURCHASES_FIRST_CHECK_SECONDS is a number from 0 to 1e+09.",
        ),
        ("LOW_BALANCE_CREDITS", "9" * 20, "LOW_BALANCE_CREDITS is a whole number of at most 1000000000000."),
        ("OPERATORS_ADJUST_LIMIT", "9" * 20, "OPERATORS_ADJUST_LIMIT is a whole number of at most"),
        ("THROTTLE_STARTS", "60/99999999999999", "THROTTLE_STARTS is written as COUNT/SECONDS"),
        ("API_CALLS_PER_MINUTE_KEY", "0", "API_CALLS_PER_MINUTE_KEY is a whole number of at least 1."),
        ("API_CALLS_PER_MINUTE_BUYER", "0", "API_CALLS_PER_MINUTE_BUYER is a whole number of at least 1."),
        (
            "API_CALLS_PER_MINUTE_VISITOR",
            "0",
            "API_CALLS_PER_MINUTE_VISITOR is a whole number of at least 1.",
        ),
        ("CHECKOUT_SESSION_HOURS", "0", "CHECKOUT_SESSION_HOURS is a whole number of at least 1."),
    ],
)
def test_production_does_not_load_with(name: str, value: str, sentence: str) -> None:
    done = production.load_wsgi(**{name: value})

    assert done.returncode == 1
    assert f"ImproperlyConfigured: {sentence}" in production.last_line(done)


def test_a_live_key_with_a_space_is_a_live_key() -> None:
    done = production.load_wsgi(STRIPE_SECRET_KEY=" sk_live_abc", STRIPE_API_BASE="http://localhost:8001")

    assert "STRIPE_SECRET_KEY is a live key" in production.last_line(done)
