"""Refunds and disputes where Stripe, or what stands in for it, lacks a list, an expansion or an object."""

from typing import Any

import pytest

from accounts.models import User
from purchases.models import Dispute, Purchase, Refund
from tests.purchases.conftest import deliver, event
from tests.purchases.returning import credited, events, numbers
from tests.sandbox_process import SandboxProcess

LISTS = ("GET /v1/refunds", "GET /v1/disputes", "GET /v1/radar/early_fraud_warnings")


@pytest.fixture
def bought(paid: Purchase) -> Purchase:
    return credited(paid)


def lacks(stripe: SandboxProcess, *endpoints: str, status: int = 404) -> None:
    for endpoint in endpoints:
        stripe.control("faults", endpoint=endpoint, kind="status", status=status, count=1000)


def told(stripe: SandboxProcess, kind: str) -> dict[str, Any]:
    return next(found for found in events(stripe) if found["type"] == kind)


@pytest.mark.parametrize("status", [400, 403, 404, 501])
def test_without_lists_each_refund_is_asked_for_by_its_id(
    alice: User, bought: Purchase, stripe: SandboxProcess, status: int
) -> None:
    refund = stripe.control(f"sessions/{bought.stripe_session_id}/refund", amount=900)["id"]
    lacks(stripe, *LISTS, status=status)

    assert deliver(told(stripe, "refund.created")).status_code == 200
    assert numbers(alice) == (110, 110, 0)
    stripe.control(f"refunds/{refund}/fail")
    assert deliver(told(stripe, "refund.failed")).status_code == 200
    assert (Refund.objects.get().status, numbers(alice)) == ("failed", (220, 220, 0))


def test_the_charge_alone_is_enough(alice: User, bought: Purchase, stripe: SandboxProcess) -> None:
    stripe.control(f"sessions/{bought.stripe_session_id}/refund", amount=900)
    lacks(stripe, *LISTS, "GET /v1/refunds/*")

    assert deliver(told(stripe, "charge.refunded")).status_code == 200
    assert numbers(alice) == (110, 110, 0)


def test_a_charge_that_only_the_event_shows_is_believed(
    alice: User, bought: Purchase, stripe: SandboxProcess
) -> None:
    stripe.control(f"sessions/{bought.stripe_session_id}/refund", amount=900)
    lacks(stripe, *LISTS, "GET /v1/payment_intents/*", "GET /v1/charges/*")

    assert deliver(told(stripe, "charge.refunded")).status_code == 200
    assert numbers(alice) == (110, 110, 0)


def test_refunds_that_only_events_show_are_believed_by_their_stage(
    alice: User, bought: Purchase, stripe: SandboxProcess
) -> None:
    refund = stripe.control(f"sessions/{bought.stripe_session_id}/refund", amount=900)["id"]
    early = told(stripe, "refund.created")
    stripe.control(f"refunds/{refund}/fail")
    late = told(stripe, "refund.failed")
    lacks(stripe, *LISTS, "GET /v1/payment_intents/*", "GET /v1/charges/*", "GET /v1/refunds/*")

    assert deliver(late).status_code == 200
    assert deliver(early).status_code == 200
    assert (Refund.objects.get().status, numbers(alice)) == ("failed", (220, 220, 0))


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (1, 0, 3, 2), (2, 3, 0, 1)])
def test_a_dispute_that_only_events_show(
    alice: User, bought: Purchase, stripe: SandboxProcess, order: tuple[int, ...]
) -> None:
    dispute = stripe.control(f"sessions/{bought.stripe_session_id}/dispute")["id"]
    stripe.control(f"disputes/{dispute}/close", outcome="won")
    life = [found for found in events(stripe) if found["type"].startswith("charge.dispute.")]
    lacks(stripe, *LISTS, "GET /v1/disputes/*")
    assert len(life) == 4

    for number in order:
        assert deliver(life[number]).status_code == 200
    assert (Dispute.objects.get().status, numbers(alice)) == ("won", (220, 220, 0))


def test_a_dispute_without_its_money_goes_by_its_events(
    alice: User, bought: Purchase, stripe: SandboxProcess
) -> None:
    dispute = stripe.control(f"sessions/{bought.stripe_session_id}/dispute")["id"]
    stripe.control(f"objects/{dispute}", set={"balance_transactions": []})

    deliver(told(stripe, "charge.dispute.created"))
    assert numbers(alice) == (220, 220, 0)
    deliver(told(stripe, "charge.dispute.funds_withdrawn"))
    assert numbers(alice) == (0, 0, 0)


def test_a_dispute_of_a_charge_without_its_payment_intent(
    alice: User, bought: Purchase, stripe: SandboxProcess
) -> None:
    stripe.control(f"sessions/{bought.stripe_session_id}/dispute")
    withdrawn = told(stripe, "charge.dispute.funds_withdrawn")
    del withdrawn["data"]["object"]["payment_intent"]

    assert deliver(withdrawn).status_code == 200
    assert numbers(alice) == (0, 0, 0)


def test_expanded_objects_in_an_event_are_read(alice: User, bought: Purchase, stripe: SandboxProcess) -> None:
    stripe.control(f"sessions/{bought.stripe_session_id}/refund", amount=900)
    created = told(stripe, "refund.created")
    intent = created["data"]["object"].pop("payment_intent")
    created["data"]["object"]["charge"] = {"id": "ch_x", "payment_intent": intent}

    assert deliver(created).status_code == 200
    assert numbers(alice) == (110, 110, 0)


@pytest.mark.parametrize(
    "stripe_object",
    [
        {},
        {"id": 5},
        {"id": "re_1", "object": "refund"},
        {"object": "refund", "payment_intent": []},
        {"charge": 7},
    ],
)
def test_nonsense_in_a_signed_event_is_harmless(
    stripe: SandboxProcess, bought: Purchase, stripe_object: dict[str, Any]
) -> None:
    assert deliver(event("refund.updated", stripe_object)).status_code == 200


def test_a_refund_without_its_amount_is_left_out(
    alice: User, bought: Purchase, stripe: SandboxProcess
) -> None:
    broken = {"id": "re_x", "object": "refund", "payment_intent": bought.payment_intent}

    assert deliver(event("refund.updated", broken)).status_code == 200
    assert numbers(alice) == (220, 220, 0)


@pytest.mark.parametrize(
    "nonsense",
    [
        {"object": "refund", "id": 5, "amount": 900},
        {"object": "refund", "id": "re_x", "amount": -500},
        {"object": "refund", "id": "re_x", "amount": 10**30},
        {"object": "dispute", "id": "dp_x", "amount": "900"},
        {"object": "charge", "id": "ch_x", "amount_refunded": "900"},
        {"object": "charge", "id": "ch_x", "amount_refunded": -500, "disputed": "no"},
        {"object": "radar.early_fraud_warning", "id": ["x"], "created": 10**30},
    ],
)
def test_nonsense_about_a_payment_of_ours_is_not_believed(
    alice: User, bought: Purchase, stripe: SandboxProcess, nonsense: dict[str, Any]
) -> None:
    lacks(stripe, *LISTS, "GET /v1/payment_intents/*", "GET /v1/charges/*")
    told = {**nonsense, "payment_intent": bought.payment_intent}

    assert deliver(event("refund.updated", told)).status_code == 200
    assert numbers(alice) == (220, 220, 0)
