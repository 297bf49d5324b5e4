"""The log of production: one JSON object a line, with the request's id, and nothing that must stay secret."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from celery import Celery
from django.core import mail
from django.db import IntegrityError
from django.test import Client

from accounts.models import User
from checkout.models import CheckoutSession, Tier
from outbox import sending
from tests.config import production

PASSWORD = "winter-lake-92"


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """What production's handler would write."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(logging.getLogger().handlers[0].formatter)
    logging.getLogger().addHandler(handler)
    yield written
    logging.getLogger().removeHandler(handler)


@pytest.fixture(autouse=True)
def _production_formatter() -> Iterator[None]:
    """pytest puts handlers of its own first; ours is the one with the structured formatter."""
    root = logging.getLogger()
    ours = [
        handler
        for handler in root.handlers
        if isinstance(handler.formatter, structlog.stdlib.ProcessorFormatter)
    ]
    others = [handler for handler in root.handlers if handler not in ours]
    assert len(ours) == 1
    root.handlers = ours
    yield
    root.handlers = [*others, *ours]


def lines(log: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.getvalue().splitlines()]


def test_every_line_is_json_with_the_requests_id(db: None, log: io.StringIO) -> None:
    response = Client().get("/accounts/login/")

    started, finished = lines(log)
    assert (started["event"], finished["event"]) == ("request_started", "request_finished")
    assert started["request_id"] == finished["request_id"] == response.headers["X-Request-ID"]
    assert (finished["request"], finished["code"], finished["level"]) == ("GET /accounts/login/", 200, "info")


def test_line_of_our_own_carries_the_request(db: None, log: io.StringIO) -> None:
    form = {"email": "dora@example.com", "password1": PASSWORD, "password2": PASSWORD}
    response = Client().post("/accounts/register/", form)

    registered = next(line for line in lines(log) if line["event"] == "user_registered")
    assert registered["user"] == User.objects.get().pk
    assert registered["request_id"] == response.headers["X-Request-ID"]
    assert registered["logger"] == "accounts.registration"


@pytest.mark.django_db(transaction=True)
def test_a_move_of_a_checkout_session_carries_the_request(plus: Tier, log: io.StringIO) -> None:
    response = Client().post("/checkout/", {"tier": "plus"})

    moved = next(line for line in lines(log) if line["event"] == "checkout_session_moved")
    session = CheckoutSession.objects.get()
    assert {name: moved[name] for name in ("session", "owner", "from", "to", "reason", "request_id")} == {
        "session": str(session.pk),
        "owner": session.owner_id,
        "from": "",
        "to": "active",
        "reason": "started",
        "request_id": response.headers["X-Request-ID"],
    }


def test_log_of_a_visit_tells_no_secret(alice: User, log: io.StringIO) -> None:
    browser = Client()
    browser.get("/accounts/login/", {"next": "/pricing/?email=alice@example.com"})
    token = browser.cookies["csrftoken"].value
    browser.post("/accounts/login/", {"username": "alice@example.com", "password": "wrong-password"})
    browser.post("/accounts/login/", {"username": "alice@example.com", "password": "alice-password"})
    session = str(browser.session.session_key)
    browser.post("/accounts/password-reset/", {"email": "alice@example.com"})
    sending.send_due()
    link = str(mail.outbox[0].body).split("http://testserver")[1].split()[0]
    Client().get(link)
    browser.post(
        "/webhooks/stripe/", b"{}", content_type="application/json", headers={"stripe-signature": "t=1,v1=0"}
    )
    for _ in range(10):
        Client().post("/accounts/login/", {"username": "alice@example.com", "password": "wrong-password"})

    written = log.getvalue()
    secrets = ["alice@", "wrong-password", "alice-password", token, session, link, link.split("/")[-2]]
    secrets += ["sk_test_", "whsec_", "v1=0", "127.0.0.1"]
    assert len(lines(log)) > 20
    assert [secret for secret in secrets if secret in written] == []


def test_line_breaks_and_escape_codes_are_neutralised(db: None, log: io.StringIO) -> None:
    Client().get("/nowhere/", headers={"user-agent": "x\x1b[31m\nforged", "x-request-id": "x\x1b[31mforged"})

    assert "\x1b" not in log.getvalue()
    assert {line["event"] for line in lines(log)} == {"request_started", "request_finished"}


def test_bug_is_logged_with_its_traceback(transactional_db: None, settings: Any, log: io.StringIO) -> None:
    settings.ROOT_URLCONF = "tests.config.failing_urls"

    response = Client(raise_request_exception=False).get("/a-bug/")

    failed = next(line for line in lines(log) if line["event"] == "request_failed")
    assert "in a_bug" in failed["exception"]
    assert failed["request_id"] == response.headers["X-Request-ID"]


@pytest.mark.parametrize(
    ("kind", "path", "given"),
    [
        ("DisallowedHost", "/accounts/login/", {"headers": {"host": "evil.example"}}),
        ("TooManyFieldsSent", "/accounts/login/", {"data": {f"field{number}": "1" for number in range(300)}}),
    ],
)
def test_a_scanner_sets_off_no_alarm(
    db: None, log: io.StringIO, kind: str, path: str, given: dict[str, Any]
) -> None:
    assert Client().post(path, **given).status_code == 400

    told = next(line for line in lines(log) if line["logger"] == f"django.security.{kind}")
    assert (told["level"], "exception" in told) == ("warning", False)
    assert {line["level"] for line in lines(log)} == {"info", "warning"}


ROW = {
    "slug": "x",
    "name": "payer@example.org\n\nHINT: 4242",
    "credits": 0,
    "price_minor": 1,
    "currency": "USD",
}


def broken_rule() -> None:
    """PostgreSQL's answer tells the whole row. It is not spelled out here, where a traceback shows the source."""
    Tier.objects.create(**ROW)


def test_a_refused_row_is_not_told(db: None, log: io.StringIO) -> None:
    with pytest.raises(IntegrityError, match="payer@") as caught:
        broken_rule()
    structlog.get_logger("x").error("event_not_handled", error=str(caught.value), exc_info=caught.value)
    logging.getLogger("x").error("refused: %r", caught.value, exc_info=caught.value)

    ours, others = lines(log)
    assert [word for word in ("payer@", "4242", "Failing row") if word in log.getvalue()] == []
    assert [line for line in (ours, others) if "in broken_rule" not in line["exception"]] == []
    assert 'violates check constraint "checkout_tier_' in ours["error"]
    assert ours["exception"].count("violates check constraint") == 2  # psycopg's, and Django's


def test_a_refused_row_is_not_told_by_the_worker(db: None, log: io.StringIO) -> None:
    app = Celery("rows", set_as_current=False)
    app.conf.update(task_always_eager=True, worker_hijack_root_logger=False)

    app.task(name="rows.broken_rule")(broken_rule).delay()

    assert "IntegrityError" in log.getvalue()
    assert [word for word in ("payer@", "4242", "Failing row") if word in log.getvalue()] == []


def test_a_refused_row_is_not_told_of_a_page(transactional_db: None, settings: Any, log: io.StringIO) -> None:
    settings.ROOT_URLCONF = "tests.config.failing_urls"

    assert (
        Client(raise_request_exception=False).get("/a-refused-row/?name=payer@example.org").status_code == 500
    )

    assert "violates check constraint" in log.getvalue()
    assert "payer@" not in log.getvalue()


def test_a_refused_row_is_not_told_by_a_command() -> None:
    refusal = "refused\\nDETAIL:  Failing row contains (payer@example.org)."
    script = f"from django.db import IntegrityError; raise IntegrityError('{refusal}')"

    done = production.run("manage.py", "shell", "-c", script)

    assert (done.returncode, production.last_line(done)) == (1, "django.db.utils.IntegrityError: refused")
    assert "payer@" not in done.stderr


@pytest.mark.parametrize(("debug", "renderer"), [(" y ", "ConsoleRenderer"), ("off", "JSONRenderer")])
def test_whatever_means_debug_means_lines_for_people(debug: str, renderer: str) -> None:
    script = "import config.logs as logs; print(type(logs._RENDERER).__name__)"

    assert production.run("-c", script, DEBUG=debug).stdout.strip() == renderer
