"""Answers that are Stripe's in form and no value of ours: as good as no answer, and never an error of our own."""

from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from checkout import sessions
from checkout.models import CheckoutSession, Tier
from credits.balances import balance_of
from purchases import opening, stripe_gateway
from purchases.errors import StripeRefused, StripeUnavailable
from purchases.models import Purchase
from tests.purchases.conftest import completed, deliver
from tests.purchases.test_gateway import Wire, wire
from tests.purchases.test_return import back, state

__all__ = ["wire"]
SESSIONS = "checkout/sessions"
HUGE = 10**30
UNREADABLE: dict[str, dict[str, Any]] = {
    "an amount in words": {"amount_subtotal": "500"},
    "an amount beyond a bigint": {"amount_total": HUGE},
    "an amount below zero": {"amount_total": -1},
    "an amount of true": {"amount_total": True},
    "a tax in words": {"total_details": {"amount_tax": "1"}},
    "a time without end": {"created": HUGE},
    "an id that is a number": {"id": 5},
    "an id without end": {"id": "cs_test_" + "y" * 4000},
    "no payment status": {"payment_status": None},
    "a status with a NUL": {"status": "complete\x00"},
    "a payment that is a number": {"payment_intent": 5},
    "a payment with half a surrogate pair": {"payment_intent": "pi_\ud800"},
    "a currency that is a list": {"currency": ["usd"]},
    "a mode in words": {"livemode": "false"},
    "metadata that are a list": {"metadata": ["x"]},
    "a quantity in words": {"line_items": {"data": [{"quantity": "1"}]}},
}
COMFORTS: dict[str, dict[str, Any]] = {
    "an e-mail with a NUL": {"customer_details": {"email": "ann\x00@example.org"}},
    "an e-mail with half a surrogate pair": {"customer_details": {"email": "ann\ud800@example.org"}},
    "an e-mail with a new line": {"customer_details": {"email": "ann@example.org\nBcc: bob@example.org"}},
    "an e-mail that is a list": {"customer_details": {"email": ["x"]}},
    "an e-mail without end": {"customer_details": {"email": "a" * 9000 + "@example.org"}},
    "metadata with a NUL": {"metadata": {"no\x00te": "\x00"}},
    "an address that is a number": {"url": 5},
}


@pytest.fixture
def truth(opened: Purchase, wire: Wire) -> dict[str, Any]:
    """Alice's session, paid: what Stripe would say of it."""
    session = {
        "id": opened.stripe_session_id,
        "object": "checkout.session",
        "status": "complete",
        "payment_status": "paid",
        "payment_intent": "pi_plain",
        "currency": "usd",
        "amount_subtotal": 1800,
        "amount_total": 1800,
        "metadata": opened.request["metadata"],
    }
    wire.answers[f"{SESSIONS}/{opened.stripe_session_id}"] = (200, session)
    return session


@pytest.mark.parametrize("wrong", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_what_cannot_be_read_is_processing_and_credited_later(
    alice: User, alice_client: Client, opened: Purchase, truth: dict[str, Any], wrong: dict[str, Any]
) -> None:
    right = dict(truth)
    truth.update(wrong)

    assert state(alice_client.get(back(opened)).content) == "processing"
    assert deliver(completed(opened)).status_code == 500
    assert balance_of(alice).available == 0

    truth.clear()
    truth.update(right)
    assert deliver(completed(opened)).status_code == 200
    assert balance_of(alice).available == 220


@pytest.mark.parametrize("wrong", COMFORTS.values(), ids=COMFORTS.keys())
def test_a_comfort_that_cannot_be_read_stops_no_credit(
    alice: User, opened: Purchase, truth: dict[str, Any], wrong: dict[str, Any]
) -> None:
    truth.update(wrong)

    assert deliver(completed(opened)).status_code == 200
    assert (Purchase.objects.get().buyer_email, balance_of(alice).available) == ("", 220)


def test_a_session_that_lists_nothing_bought_goes_to_review(
    alice: User, opened: Purchase, truth: dict[str, Any]
) -> None:
    truth["line_items"] = {"object": "list", "data": []}

    assert deliver(completed(opened)).status_code == 200
    assert Purchase.objects.get().reason == "quantity: 1 here, 0 at Stripe"
    assert balance_of(alice).available == 0


OPEN = {"id": "cs_test_new", "object": "checkout.session", "status": "open", "payment_status": "unpaid"}
ADDRESS = "https://checkout.stripe.com/c/pay/cs_test_new"
NO_PAGE: dict[str, dict[str, Any]] = {
    "no address": {},
    "null": {"url": None},
    "a script": {"url": "javascript:alert(1)"},
    "a number": {"url": 5},
    "a NUL": {"url": "https://checkout.stripe.com/\x00"},
    "a new line": {"url": "https://checkout.stripe.com/\r\nSet-Cookie: x=1"},
    "no end": {"url": "https://checkout.stripe.com/" + "x" * 6000},
    "an id without end": {"url": ADDRESS, "id": "cs_test_" + "y" * 4000},
    "an id that is a number": {"url": ADDRESS, "id": 5},
}


@pytest.mark.parametrize("wrong", NO_PAGE.values(), ids=NO_PAGE.keys())
def test_pay_without_a_page_to_lead_to_is_503(
    alice_client: Client, session: CheckoutSession, wire: Wire, wrong: dict[str, Any]
) -> None:
    wire.answers[SESSIONS] = (200, {**OPEN, **wrong})
    assert alice_client.post(f"/purchases/pay/{session.pk}/").status_code == 503
    assert Purchase.objects.get().status == "opening"

    wire.answers[SESSIONS] = (200, {**OPEN, "url": ADDRESS})
    assert alice_client.post(f"/purchases/pay/{session.pk}/")["Location"] == ADDRESS


def test_a_repeated_call_is_the_first_one_to_the_letter(
    alice_client: Client, session: CheckoutSession, wire: Wire
) -> None:
    wire.answers[SESSIONS] = (200, OPEN)
    for _ in range(2):
        alice_client.post(f"/purchases/pay/{session.pk}/")

    first, second = wire.sent
    assert first == second


def test_one_id_for_two_payments_is_503(
    alice_client: Client, bob: User, session: CheckoutSession, plus: Tier, wire: Wire
) -> None:
    wire.answers[SESSIONS] = (200, {**OPEN, "url": ADDRESS})
    opening.open_payment(owner=bob, session=sessions.start(owner=bob, tier=plus))

    assert alice_client.post(f"/purchases/pay/{session.pk}/").status_code == 503
    assert Purchase.objects.filter(status="open").count() == 1


@pytest.mark.parametrize("code", ["a\x00b", "\ud800", "x" * 9000, ["x"], {"x": 1}, 5])
def test_a_refusal_may_say_anything(
    alice_client: Client, session: CheckoutSession, wire: Wire, code: object
) -> None:
    error = {"type": "invalid_request_error", "message": "no", "code": code}
    wire.answers[SESSIONS] = (400, {"error": error})

    assert alice_client.post(f"/purchases/pay/{session.pk}/").status_code == 503
    assert Purchase.objects.get().status == "failed"


@pytest.mark.parametrize("body", ["[" * 100_000, '{"id":' * 900 + "1" + "}" * 900, "null", '"x"', "5", "NaN"])
@pytest.mark.parametrize("status", [200, 400])
def test_json_of_any_shape_is_an_answer_or_none(wire: Wire, body: str, status: int) -> None:
    wire.answers[f"{SESSIONS}/cs_test_x"] = (status, body)

    with pytest.raises((StripeUnavailable, StripeRefused)):
        stripe_gateway.retrieve_session("cs_test_x")


NO_REFUND: dict[str, dict[str, Any]] = {
    "below zero": {"amount": -500},
    "in words": {"amount": "500"},
    "beyond a bigint": {"amount": HUGE},
    "no id": {"id": None},
    "a time without end": {"created": HUGE},
}


@pytest.mark.parametrize("wrong", NO_REFUND.values(), ids=NO_REFUND.keys())
def test_a_refund_that_cannot_be_read_is_asked_about_again(
    paid: Purchase, wire: Wire, wrong: dict[str, Any], alice: User
) -> None:
    refund = {"id": "re_1", "object": "refund", "amount": 900, "status": "succeeded", "created": 1, **wrong}
    bought = Purchase.objects.get()
    wire.answers["payment_intents/pi_x"] = (200, {"id": "pi_x", "latest_charge": {"amount_refunded": 900}})
    wire.answers["refunds"] = (200, {"object": "list", "data": [refund]})

    with pytest.raises(StripeUnavailable):
        stripe_gateway.returns_of("pi_x", told={})
    assert bought.refunds.count() == 0
