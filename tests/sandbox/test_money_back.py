"""Refunds, disputes and fraud warnings: what they change and what is told."""

from typing import Any

import pytest
import stripe
from stripe import StripeClient

from tests.sandbox.conftest import asked
from tests.sandbox_process import SandboxProcess


@pytest.fixture
def paid(client: StripeClient, session: Any, sandbox: SandboxProcess) -> Any:
    sandbox.pay(session.id)
    return client.v1.checkout.sessions.retrieve(session.id, {"expand": ["payment_intent.latest_charge"]})


def charge_now(client: StripeClient, paid: Any) -> Any:
    return client.v1.charges.retrieve(paid.payment_intent.latest_charge.id)


def told(client: StripeClient, since: int) -> list[str]:
    """Event types after the first `since`, oldest first."""
    return [str(event.type) for event in client.v1.events.list({"limit": 100}).data][::-1][since:]


def test_partial_refunds_add_up(client: StripeClient, paid: Any) -> None:
    intent = paid.payment_intent.id
    first = client.v1.refunds.create(
        {"payment_intent": intent, "amount": 500, "reason": "requested_by_customer"}
    )
    assert (first.status, first.amount, first.charge) == (
        "succeeded",
        500,
        paid.payment_intent.latest_charge.id,
    )
    assert (charge_now(client, paid).amount_refunded, charge_now(client, paid).refunded) == (500, False)
    second = client.v1.refunds.create({"payment_intent": intent})
    assert second.amount == 1300
    assert charge_now(client, paid).refunded is True
    assert told(client, 4) == ["refund.created", "charge.refunded"] * 2
    assert [refund.id for refund in client.v1.refunds.list({"payment_intent": intent}).data] == [
        second.id,
        first.id,
    ]


def test_more_than_was_paid_cannot_be_refunded(client: StripeClient, paid: Any) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="greater than unrefunded amount"):
        client.v1.refunds.create({"payment_intent": paid.payment_intent.id, "amount": 1801})
    assert charge_now(client, paid).amount_refunded == 0


def test_refunded_charge_cannot_be_refunded_again(client: StripeClient, paid: Any) -> None:
    client.v1.refunds.create({"charge": paid.payment_intent.latest_charge.id})
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.refunds.create({"charge": paid.payment_intent.latest_charge.id})
    assert caught.value.code == "charge_already_refunded"


def test_unpaid_intent_cannot_be_refunded(
    client: StripeClient, session: Any, sandbox: SandboxProcess
) -> None:
    sandbox.pay(session.id, method="bank_debit")
    intent = client.v1.checkout.sessions.retrieve(session.id).payment_intent
    with pytest.raises(stripe.InvalidRequestError, match="not successfully charged"):
        client.v1.refunds.create({"payment_intent": str(intent)})


def test_event_of_a_refund_names_its_request(client: StripeClient, paid: Any) -> None:
    client.v1.refunds.create({"payment_intent": paid.payment_intent.id}, {"idempotency_key": "k1"})
    event = client.v1.events.list({"type": "refund.created"}).data[0]
    assert event.request is not None
    assert event.request.idempotency_key == "k1"


def test_refund_that_fails_gives_the_amount_back(
    client: StripeClient, paid: Any, sandbox: SandboxProcess
) -> None:
    refund = client.v1.refunds.create({"payment_intent": paid.payment_intent.id})
    sandbox.control(f"refunds/{refund.id}/fail")
    assert client.v1.refunds.retrieve(refund.id).status == "failed"
    assert (charge_now(client, paid).amount_refunded, charge_now(client, paid).refunded) == (0, False)
    assert told(client, 6) == ["refund.failed", "refund.updated", "charge.refund.updated"]


def test_pending_refund_succeeds_later(client: StripeClient, session: Any, sandbox: SandboxProcess) -> None:
    sandbox.pay(session.id, card="4000000000007726")
    intent = client.v1.checkout.sessions.retrieve(session.id).payment_intent
    refund = client.v1.refunds.create({"payment_intent": str(intent)})
    assert refund.status == "pending"
    sandbox.control("clock", advance=6)
    assert client.v1.refunds.retrieve(refund.id).status == "succeeded"


def test_only_a_refund_that_waits_can_be_cancelled(
    client: StripeClient, paid: Any, sandbox: SandboxProcess
) -> None:
    waiting = sandbox.control(f"sessions/{paid.id}/refund", amount=300, status="requires_action")
    made = client.v1.refunds.create({"payment_intent": paid.payment_intent.id, "amount": 200})
    assert client.v1.refunds.cancel(waiting["id"]).status == "canceled"
    with pytest.raises(stripe.InvalidRequestError, match="requires_action"):
        client.v1.refunds.cancel(made.id)
    assert charge_now(client, paid).amount_refunded == 200


@pytest.mark.parametrize(
    ("outcome", "last", "net"),
    [
        ("won", "charge.dispute.funds_reinstated", 0),
        ("lost", "charge.dispute.closed", -1800),
    ],
)
def test_dispute_moves_the_funds(
    client: StripeClient, paid: Any, sandbox: SandboxProcess, outcome: str, last: str, net: int
) -> None:
    dispute = sandbox.control(f"sessions/{paid.id}/dispute")
    assert charge_now(client, paid).disputed is True
    assert told(client, 4) == ["charge.dispute.created", "charge.dispute.funds_withdrawn"]
    sandbox.control(f"disputes/{dispute['id']}/close", outcome=outcome)
    closed = client.v1.disputes.retrieve(dispute["id"])
    assert (closed.status, sum(booked.amount for booked in closed.balance_transactions)) == (outcome, net)
    assert told(client, 6)[-1] == last


def test_inquiry_takes_nothing(client: StripeClient, paid: Any, sandbox: SandboxProcess) -> None:
    dispute = sandbox.control(f"sessions/{paid.id}/dispute", inquiry=True)
    assert (dispute["status"], dispute["balance_transactions"]) == ("warning_needs_response", [])
    sandbox.control(f"disputes/{dispute['id']}/close", outcome="warning_closed")
    assert told(client, 4) == ["charge.dispute.created", "charge.dispute.closed"]


def test_charged_back_payment_cannot_be_refunded(
    client: StripeClient, paid: Any, sandbox: SandboxProcess
) -> None:
    sandbox.control(f"sessions/{paid.id}/dispute")
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.refunds.create({"payment_intent": paid.payment_intent.id})
    assert caught.value.code == "charge_disputed"


def test_fraud_warning_is_told(client: StripeClient, paid: Any, sandbox: SandboxProcess) -> None:
    warning = sandbox.control(f"sessions/{paid.id}/fraud_warning")
    assert told(client, 4) == ["radar.early_fraud_warning.created"]
    (listed,) = client.v1.radar.early_fraud_warnings.list({"charge": warning["charge"]}).data
    assert listed.id == warning["id"]


@pytest.mark.parametrize(
    ("card", "type"),
    [
        ("4000000000000259", "charge.dispute.funds_withdrawn"),
        ("4000000000001976", "charge.dispute.created"),
        ("4000000000005423", "radar.early_fraud_warning.created"),
    ],
)
def test_test_card_brings_its_trouble(
    client: StripeClient, sandbox: SandboxProcess, card: str, type: str
) -> None:
    session = client.v1.checkout.sessions.create(asked())
    sandbox.pay(session.id, card=card)
    assert client.v1.events.list({"limit": 1}).data[0].type == type


def test_events_can_be_filtered(client: StripeClient, paid: Any) -> None:
    chosen = client.v1.events.list({"types": ["charge.succeeded", "checkout.session.completed"]}).data
    assert [event.type for event in chosen] == ["checkout.session.completed", "charge.succeeded"]
    assert {event.type for event in client.v1.events.list({"type": "payment_intent.*"}).data} == {
        "payment_intent.created",
        "payment_intent.succeeded",
    }
    assert client.v1.events.retrieve(chosen[0].id).id == chosen[0].id


def test_events_older_than_thirty_days_are_gone(
    client: StripeClient, paid: Any, sandbox: SandboxProcess
) -> None:
    event = client.v1.events.list().data[0]
    sandbox.control("clock", advance=31 * 24 * 3600)
    assert client.v1.events.list().data == []
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.events.retrieve(event.id)
