"""Deliveries: signed as Stripe signs, retried, and broken in every way that the panel offers."""

import threading
from typing import Any

import pytest
import stripe

from tests.sandbox.conftest import SECRET
from tests.sandbox.receiver import Receiver
from tests.sandbox_process import SandboxProcess

PAID = {
    "payment_intent.created",
    "charge.succeeded",
    "payment_intent.succeeded",
    "checkout.session.completed",
}


def by_plan(row: dict[str, Any]) -> float:
    return float(row["due_at"])


def by_number(row: dict[str, Any]) -> int:
    return int(row["seq"])


def completed(receiver: Receiver, count: int) -> Any:
    events = [delivered.event(SECRET) for delivered in receiver.wait_for(count)]
    (event,) = [event for event in events if event.type == "checkout.session.completed"]
    return event


def test_payment_is_told_once_and_signed(session: Any, sandbox: SandboxProcess, receiver: Receiver) -> None:
    sandbox.pay(session.id)
    assert set(receiver.types(4)) == PAID
    assert receiver.stays_at(4)


def test_event_holds_the_object_as_it_was(session: Any, sandbox: SandboxProcess, receiver: Receiver) -> None:
    sandbox.control("delivery_mode", mode="off")
    sandbox.pay(session.id, method="bank_debit")
    sandbox.control(f"sessions/{session.id}/settle", succeed=True)
    sandbox.control("delivery_mode", mode="normal")
    assert sandbox.control("deliveries/held/now")["released"] == 7
    event = completed(receiver, 7)
    assert (event.data.object.id, event.data.object.payment_status) == (session.id, "unpaid")


def test_off_delivers_nothing_ever(session: Any, sandbox: SandboxProcess, receiver: Receiver) -> None:
    sandbox.control("delivery_mode", mode="off")
    sandbox.pay(session.id)
    sandbox.control("delivery_mode", mode="normal")
    sandbox.control("clock", advance=3600)
    assert receiver.stays_at(0)
    assert {row["state"] for row in sandbox.control("deliveries")["deliveries"]} == {"held"}


def test_duplicate_delivers_the_same_event_twice(
    session: Any, sandbox: SandboxProcess, receiver: Receiver
) -> None:
    sandbox.control("delivery_mode", mode="duplicate")
    sandbox.pay(session.id)
    ids = [delivered.event(SECRET).id for delivered in receiver.wait_for(8)]
    assert (len(ids), len(set(ids))) == (8, 4)


def test_shuffled_arrives_in_another_order(session: Any, sandbox: SandboxProcess, receiver: Receiver) -> None:
    sandbox.control("delivery_mode", mode="shuffled", seconds=600, seed=3)
    sandbox.pay(session.id)
    planned = sandbox.control("deliveries")["deliveries"]
    assert sorted(planned, key=by_plan) != sorted(planned, key=by_number)
    sandbox.control("clock", advance=601)
    assert set(receiver.types(4)) == PAID


def test_delayed_arrives_when_the_clock_gets_there(
    session: Any, sandbox: SandboxProcess, receiver: Receiver
) -> None:
    sandbox.control("delivery_mode", mode="delayed", seconds=600)
    sandbox.pay(session.id)
    assert receiver.stays_at(0)
    sandbox.control("clock", advance=601)
    assert set(receiver.types(4)) == PAID


@pytest.mark.parametrize("mode", ["wrong_signature", "stale_signature"])
def test_bad_signature_does_not_verify(
    session: Any, sandbox: SandboxProcess, receiver: Receiver, mode: str
) -> None:
    receiver.statuses = [400] * 4
    sandbox.control("delivery_mode", mode=mode)
    sandbox.pay(session.id)
    delivered = receiver.wait_for(4)[0]
    with pytest.raises(stripe.SignatureVerificationError):
        delivered.event(SECRET)


@pytest.mark.parametrize("status", [500, 302, 400])
def test_anything_but_success_is_tried_again(
    session: Any, sandbox: SandboxProcess, receiver: Receiver, status: int
) -> None:
    receiver.statuses = [status]
    sandbox.control(f"sessions/{session.id}/expire")
    first, second = receiver.wait_for(2)
    assert first.event(SECRET).id == second.event(SECRET).id
    assert receiver.stays_at(2)


def test_retries_become_rarer(session: Any, sandbox: SandboxProcess, receiver: Receiver) -> None:
    receiver.statuses = [500] * 10
    sandbox.control(f"sessions/{session.id}/expire")
    pauses: dict[int, int] = {}
    while 4 not in pauses:
        (row,) = sandbox.control("deliveries")["deliveries"]
        if row["state"] == "waiting" and row["attempts"]:
            pauses[row["attempts"]] = round(row["due_at"] - row["last_at"])
            sandbox.control("clock", advance=pauses[row["attempts"]])

    # On a slow machine the first may have passed by itself.
    assert {1: 1, **pauses} == {1: 1, 2: 5, 3: 30, 4: 120}


def test_slow_endpoint_holds_nobody_up(session: Any, sandbox: SandboxProcess, receiver: Receiver) -> None:
    receiver.meet = threading.Barrier(4)
    sandbox.pay(session.id)
    receiver.wait_for(4)


@pytest.mark.parametrize(
    ("verb", "more"), [("now", 1), ("twice", 2), ("wrong_signature", 1), ("out_of_order", 4)]
)
def test_button_delivers_again(
    session: Any, sandbox: SandboxProcess, receiver: Receiver, verb: str, more: int
) -> None:
    sandbox.pay(session.id)
    receiver.wait_for(4)
    seq = sandbox.control("deliveries?type=checkout.session.completed")["deliveries"][0]["seq"]
    sandbox.control("delivery_mode", mode="off")  # until the plan was looked at
    sandbox.control(f"deliveries/{seq}/{verb}")
    if verb == "out_of_order":
        planned = sorted(sandbox.control("deliveries")["deliveries"], key=by_plan)
        assert planned == sorted(planned, key=by_number, reverse=True)
        assert planned[0]["type"] == "checkout.session.completed"
    sandbox.control("delivery_mode", mode="normal")
    receiver.wait_for(4 + more)
    assert receiver.stays_at(4 + more)


def test_twin_tells_the_same_under_another_id(
    session: Any, sandbox: SandboxProcess, receiver: Receiver
) -> None:
    sandbox.pay(session.id)
    event = completed(receiver, 4)
    twin = sandbox.control(f"events/{event.id}/twin")
    receiver.wait_for(5)
    assert twin["id"] != event.id
    assert twin["data"]["object"] == event.data.object.to_dict(for_json=True)


def test_only_enabled_events_are_sent(session: Any, sandbox: SandboxProcess, receiver: Receiver) -> None:
    sandbox.control("webhook", enabled_events=["checkout.session.completed"])
    sandbox.pay(session.id)
    assert receiver.types(1) == ["checkout.session.completed"]
    assert receiver.stays_at(1)


def test_endpoint_can_be_looked_up(client: stripe.StripeClient, receiver: Receiver) -> None:
    (endpoint,) = client.v1.webhook_endpoints.list().data
    assert (endpoint.url, endpoint.status) == (receiver.url, "enabled")
    assert endpoint.api_version == stripe.api_version
