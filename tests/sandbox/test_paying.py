"""What becomes of a session when its buyer pays, told by the API and by the events."""

from typing import Any

import pytest
from stripe import StripeClient

from tests.sandbox.conftest import asked, line
from tests.sandbox_process import SandboxProcess

DECLINED = "4000 0000 0000 0002"
NO_FUNDS = "4000000000009995"
SECURE = "4000002500003155"


def paid_session(client: StripeClient, session_id: str) -> Any:
    return client.v1.checkout.sessions.retrieve(session_id, {"expand": ["payment_intent.latest_charge"]})


def event_types(client: StripeClient) -> list[str]:
    """Oldest first."""
    return [str(event.type) for event in client.v1.events.list({"limit": 100}).data][::-1]


def test_card_pays_the_session(client: StripeClient, session: Any, sandbox: SandboxProcess) -> None:
    assert sandbox.pay(session.id, email="ann@example.com")["outcome"] == "paid"
    paid = paid_session(client, session.id)
    assert (paid.status, paid.payment_status, paid.url) == ("complete", "paid", None)
    assert paid.customer_details.email == "ann@example.com"
    intent = paid.payment_intent
    assert (intent.status, intent.amount_received) == ("succeeded", 1800)
    assert intent.metadata.to_dict() == {"purchase": "p-1"}
    assert (intent.latest_charge.paid, intent.latest_charge.amount) == (True, 1800)
    assert event_types(client) == [
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
        "checkout.session.completed",
    ]


@pytest.mark.parametrize(
    ("card", "decline_code"), [(DECLINED, "generic_decline"), (NO_FUNDS, "insufficient_funds")]
)
def test_declined_card_leaves_the_session_open(
    client: StripeClient, session: Any, sandbox: SandboxProcess, card: str, decline_code: str
) -> None:
    assert sandbox.pay(session.id, card=card)["outcome"] == "declined"
    still = paid_session(client, session.id)
    assert (still.status, still.payment_status) == ("open", "unpaid")
    assert still.payment_intent.status == "requires_payment_method"
    assert still.payment_intent.last_payment_error.decline_code == decline_code
    assert sandbox.pay(session.id)["outcome"] == "paid"
    assert paid_session(client, session.id).payment_intent.id == still.payment_intent.id


@pytest.mark.parametrize(("authorize", "status"), [(True, "paid"), (False, "unpaid")])
def test_three_d_secure_decides(
    client: StripeClient, session: Any, sandbox: SandboxProcess, authorize: bool, status: str
) -> None:
    sandbox.pay(session.id, card=SECURE, authorize=authorize)
    assert paid_session(client, session.id).payment_status == status
    assert "payment_intent.requires_action" in event_types(client)


@pytest.mark.parametrize(
    ("succeed", "payment_status", "last"),
    [(True, "paid", "async_payment_succeeded"), (False, "unpaid", "async_payment_failed")],
)
def test_bank_debit_settles_later(
    client: StripeClient, session: Any, sandbox: SandboxProcess, succeed: bool, payment_status: str, last: str
) -> None:
    assert sandbox.pay(session.id, method="bank_debit")["outcome"] == "processing"
    waiting = paid_session(client, session.id)
    assert (waiting.status, waiting.payment_status) == ("complete", "unpaid")
    assert waiting.payment_intent.status == "processing"
    sandbox.control(f"sessions/{session.id}/settle", succeed=succeed)
    assert paid_session(client, session.id).payment_status == payment_status
    assert event_types(client)[-1] == f"checkout.session.{last}"


def test_session_that_costs_nothing_has_no_payment_intent(
    client: StripeClient, sandbox: SandboxProcess
) -> None:
    client.v1.coupons.create({"id": "ALL", "percent_off": 100})
    session = client.v1.checkout.sessions.create(asked(discounts=[{"coupon": "ALL"}]))
    assert (session.amount_subtotal, session.amount_total) == (1800, 0)
    sandbox.pay(session.id)
    free = client.v1.checkout.sessions.retrieve(session.id)
    assert (free.status, free.payment_status, free.payment_intent) == (
        "complete",
        "no_payment_required",
        None,
    )
    assert event_types(client) == ["checkout.session.completed"]


def test_discount_lowers_the_total_only(client: StripeClient) -> None:
    client.v1.coupons.create({"id": "TEN", "percent_off": 10})
    session = client.v1.checkout.sessions.create(asked(discounts=[{"coupon": "TEN"}]))
    assert (session.amount_subtotal, session.amount_total) == (1800, 1620)
    assert session.total_details is not None
    assert session.total_details.amount_discount == 180


@pytest.mark.parametrize(
    ("behavior", "subtotal", "total", "tax"),
    [("exclusive", 1800, 2160, 360), ("inclusive", 1800, 1800, 300)],
)
def test_tax_is_known_once_there_is_a_buyer(
    client: StripeClient, sandbox: SandboxProcess, behavior: str, subtotal: int, total: int, tax: int
) -> None:
    session = client.v1.checkout.sessions.create(
        asked(automatic_tax={"enabled": True}, line_items=[line(tax_behavior=behavior)])
    )
    assert (session.amount_total, session.automatic_tax.status) == (1800, "requires_location_inputs")
    sandbox.pay(session.id)
    taxed = client.v1.checkout.sessions.retrieve(session.id)
    assert taxed.total_details is not None
    assert (taxed.amount_subtotal, taxed.amount_total, taxed.total_details.amount_tax) == (
        subtotal,
        total,
        tax,
    )
    assert taxed.automatic_tax.status == "complete"


def test_adaptive_pricing_keeps_our_amount(client: StripeClient, sandbox: SandboxProcess) -> None:
    session = client.v1.checkout.sessions.create(asked(adaptive_pricing={"enabled": True}))
    assert "presentment_details" not in session
    sandbox.pay(session.id, presentment_currency="eur")
    paid = client.v1.checkout.sessions.retrieve(session.id)
    assert (paid.currency, paid.amount_total) == ("usd", 1800)
    assert paid.presentment_details is not None
    assert paid.presentment_details.to_dict() == {
        "presentment_amount": 1620,
        "presentment_currency": "eur",
    }


def test_zero_decimal_currency(client: StripeClient, sandbox: SandboxProcess) -> None:
    session = client.v1.checkout.sessions.create(asked(line_items=[line(amount=500, currency="jpy")]))
    sandbox.pay(session.id)
    assert paid_session(client, session.id).payment_intent.amount == 500


def test_customer_is_made_when_asked_for(client: StripeClient, sandbox: SandboxProcess) -> None:
    session = client.v1.checkout.sessions.create(asked(customer_creation="always"))
    sandbox.pay(session.id, email="ann@example.com")
    paid = client.v1.checkout.sessions.retrieve(session.id, {"expand": ["customer"]})
    assert paid.customer.email == "ann@example.com"  # type: ignore[union-attr]


def test_tampered_session_says_what_it_was_told(
    client: StripeClient, session: Any, sandbox: SandboxProcess
) -> None:
    sandbox.control(f"sessions/{session.id}/tamper", **{"line_items.0.quantity": 3})
    sandbox.pay(session.id, amount_total=1, amount_subtotal=1, currency="eur")
    paid = client.v1.checkout.sessions.retrieve(session.id, {"expand": ["line_items", "payment_intent"]})
    assert (paid.amount_total, paid.currency, paid.payment_intent.amount) == (1, "eur", 1)  # type: ignore[union-attr]
    assert paid.line_items is not None
    assert paid.line_items.data[0].quantity == 3
