"""Faults on order: each strikes as described, as often as ordered, and is then gone."""

import threading
import time
from typing import Any

import pytest
import stripe
from stripe import StripeClient

from tests.sandbox.conftest import asked, client_of
from tests.sandbox_process import SandboxProcess

CREATE = "POST /v1/checkout/sessions"
READ = "GET /v1/checkout/sessions/*"


def count(client: StripeClient) -> int:
    return len(client.v1.checkout.sessions.list().data)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (429, stripe.RateLimitError),
        (500, stripe.APIError),
        (503, stripe.APIError),
        (401, stripe.AuthenticationError),
    ],
)
def test_status_is_answered_once(
    client: StripeClient, session: Any, sandbox: SandboxProcess, status: int, error: type[Exception]
) -> None:
    sandbox.control("faults", endpoint=READ, kind="status", status=status)
    with pytest.raises(error):
        client.v1.checkout.sessions.retrieve(session.id)
    assert client.v1.checkout.sessions.retrieve(session.id).id == session.id
    assert sandbox.control("faults")["faults"] == []


def test_other_endpoints_are_untouched(client: StripeClient, sandbox: SandboxProcess) -> None:
    sandbox.control("faults", endpoint=READ, kind="status", status=500, count=3)
    assert client.v1.checkout.sessions.create(asked()).status == "open"
    assert sandbox.control("faults")["faults"][0]["count"] == 3


@pytest.mark.parametrize("kind", ["html", "half", "reset"])
def test_broken_answer_is_an_error_to_the_client(
    client: StripeClient, session: Any, sandbox: SandboxProcess, kind: str
) -> None:
    sandbox.control("faults", endpoint=READ, kind=kind)
    with pytest.raises((stripe.APIError, stripe.APIConnectionError)):
        client.v1.checkout.sessions.retrieve(session.id)
    assert client.v1.checkout.sessions.retrieve(session.id).id == session.id


@pytest.mark.parametrize(("when", "made"), [("before", 0), ("after", 1)])
@pytest.mark.parametrize("kind", ["reset", "half", "html", "status"])
def test_fault_strikes_before_or_after_the_act(
    client: StripeClient, sandbox: SandboxProcess, kind: str, when: str, made: int
) -> None:
    sandbox.control("faults", endpoint=CREATE, kind=kind, when=when, status=503)
    with pytest.raises((stripe.APIError, stripe.APIConnectionError)):
        client.v1.checkout.sessions.create(asked(), {"idempotency_key": "k1"})
    assert count(client) == made
    client.v1.checkout.sessions.create(asked(), {"idempotency_key": "k1"})
    assert count(client) == 1


def test_client_that_retries_gets_the_session_that_was_made(
    client: StripeClient, sandbox: SandboxProcess
) -> None:
    sandbox.control("faults", endpoint=CREATE, kind="reset", when="after")
    made = client_of(sandbox, retries=2).v1.checkout.sessions.create(asked())
    assert (made.status, count(client)) == ("open", 1)


def test_error_500_after_the_act_is_kept_for_the_key(client: StripeClient, sandbox: SandboxProcess) -> None:
    sandbox.control("faults", endpoint=CREATE, kind="status", status=500, when="after")
    for _ in range(2):
        with pytest.raises(stripe.APIError):
            client.v1.checkout.sessions.create(asked(), {"idempotency_key": "k1"})
    assert count(client) == 1


def test_delay_takes_its_time(client: StripeClient, session: Any, sandbox: SandboxProcess) -> None:
    sandbox.control("faults", endpoint=READ, kind="delay", seconds=0.3)
    began = time.monotonic()
    client.v1.checkout.sessions.retrieve(session.id)
    assert time.monotonic() - began >= 0.3


@pytest.mark.parametrize(("when", "made"), [("before", 0), ("after", 1)])
def test_answer_is_held_until_released(
    client: StripeClient, sandbox: SandboxProcess, when: str, made: int
) -> None:
    sandbox.control("faults", endpoint=CREATE, kind="hold", when=when)
    other = client_of(sandbox)
    asking = threading.Thread(target=lambda: other.v1.checkout.sessions.create(asked()))
    asking.start()
    sandbox.wait_until_held()
    while_held = count(client)
    sandbox.control("release")
    asking.join(60)
    assert (while_held, count(client)) == (made, 1)


def test_forgotten_object_is_missing(client: StripeClient, session: Any, sandbox: SandboxProcess) -> None:
    sandbox.control(f"objects/{session.id}/delete")
    with pytest.raises(stripe.InvalidRequestError, match=r"No such checkout\.session"):
        client.v1.checkout.sessions.retrieve(session.id)


def test_fault_can_skip_the_first_calls(client: StripeClient, session: Any, sandbox: SandboxProcess) -> None:
    sandbox.control("faults", endpoint=READ, kind="status", status=503, skip=1)
    assert client.v1.checkout.sessions.retrieve(session.id).id == session.id
    with pytest.raises(stripe.APIError):
        client.v1.checkout.sessions.retrieve(session.id)


@pytest.mark.parametrize(
    "order", [{}, {"endpoint": CREATE}, {"endpoint": CREATE, "kind": "flood"}, {"kind": "html", "colour": 1}]
)
def test_senseless_order_is_refused(sandbox: SandboxProcess, order: dict[str, Any]) -> None:
    with pytest.raises(AssertionError, match="400"):
        sandbox.control("faults", **(order or {"nothing": 1}))
    assert sandbox.control("faults")["faults"] == []


def test_requests_are_remembered(client: StripeClient, sandbox: SandboxProcess) -> None:
    client.v1.checkout.sessions.create(asked(), {"idempotency_key": "k1"})
    (request,) = sandbox.requests(method="POST")
    assert (request["path"], request["idempotency_key"]) == ("/v1/checkout/sessions", "k1")
    assert request["params"]["line_items[0][quantity]"] == "1"
    assert "sk_test_x" not in str(request)
