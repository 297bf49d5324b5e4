"""Idempotency keys: replayed, mismatched, in flight, forgotten after a day."""

import threading
from typing import Any

import pytest
import stripe
from stripe import StripeClient

from tests.sandbox.conftest import asked, client_of
from tests.sandbox_process import SandboxProcess

CREATE = "POST /v1/checkout/sessions"


def create(client: StripeClient, key: str, **more: Any) -> Any:
    return client.v1.checkout.sessions.create(asked(**more), {"idempotency_key": key})


def count(client: StripeClient) -> int:
    return len(client.v1.checkout.sessions.list({"limit": 100}).data)


def test_same_key_and_parameters_replay_the_answer(client: StripeClient) -> None:
    first, second = create(client, "k1"), create(client, "k1")
    assert (first.id, count(client)) == (second.id, 1)
    assert second.last_response.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.last_response.headers


def test_replay_shows_the_session_as_it_was(client: StripeClient, sandbox: SandboxProcess) -> None:
    first = create(client, "k1")
    client.v1.checkout.sessions.expire(first.id)
    assert create(client, "k1").status == "open"


def test_other_parameters_are_refused(client: StripeClient) -> None:
    create(client, "k1")
    with pytest.raises(stripe.IdempotencyError, match="same parameters"):
        create(client, "k1", client_reference_id="other")
    assert count(client) == 1


def test_other_endpoint_is_refused(client: StripeClient) -> None:
    create(client, "k1")
    with pytest.raises(stripe.IdempotencyError, match="same endpoint"):
        client.v1.customers.create({"email": "ann@example.com"}, {"idempotency_key": "k1"})


def test_key_is_free_after_a_refused_parameter(client: StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError):
        create(client, "k1", colour="red")
    assert create(client, "k1").status == "open"


def test_refused_act_is_replayed(client: StripeClient, session: Any, sandbox: SandboxProcess) -> None:
    client.v1.checkout.sessions.expire(session.id)
    headers = []
    for _ in range(2):
        with pytest.raises(stripe.InvalidRequestError) as caught:
            client.v1.checkout.sessions.expire(session.id, options={"idempotency_key": "k2"})
        headers.append((caught.value.headers or {}).get("Idempotent-Replayed"))
    assert headers == [None, "true"]


def test_error_500_is_replayed_and_nothing_was_made(client: StripeClient, sandbox: SandboxProcess) -> None:
    sandbox.control("faults", endpoint=CREATE, kind="status", status=500)
    for _ in range(2):
        with pytest.raises(stripe.APIError):
            create(client, "k1")
    assert count(client) == 0
    assert create(client, "k2").status == "open"


def test_key_is_forgotten_after_a_day(client: StripeClient, sandbox: SandboxProcess) -> None:
    first = create(client, "k1")
    sandbox.control("clock", advance=24 * 3600 + 1)
    assert create(client, "k1").id != first.id


def test_second_one_in_flight_is_a_conflict(client: StripeClient, sandbox: SandboxProcess) -> None:
    sandbox.control("faults", endpoint=CREATE, kind="hold")
    made: list[Any] = []
    first = threading.Thread(target=lambda: made.append(create(client_of(sandbox), "k1")))
    first.start()
    sandbox.wait_until_held()
    with pytest.raises(stripe.APIError) as caught:  # the package has no class of its own for a 409
        create(client, "k1")
    sandbox.control("release")
    first.join(60)
    assert caught.value.error is not None
    assert (caught.value.http_status, caught.value.error.code) == (409, "idempotency_key_in_use")
    assert create(client, "k1").id == made[0].id


def test_twenty_at_once_make_one_session(client: StripeClient, sandbox: SandboxProcess) -> None:
    clients = [client_of(sandbox, retries=5) for _ in range(20)]
    made: list[str] = []
    threads = [threading.Thread(target=lambda c=c: made.append(create(c, "k1").id)) for c in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert (len(made), len(set(made)), count(client)) == (20, 1, 1)
