"""Whatever the sandbox shows fits the installed package's types: it cannot drift to please us."""

import json
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest
import stripe
from stripe import StripeClient

from tests.sandbox.conftest import asked
from tests.sandbox.package_types import object_misfits
from tests.sandbox_process import SandboxProcess

CLASSES: dict[str, type] = {
    "checkout.session": stripe.checkout.Session,
    "payment_intent": stripe.PaymentIntent,
    "charge": stripe.Charge,
    "refund": stripe.Refund,
    "event": stripe.Event,
    "dispute": stripe.Dispute,
    "radar.early_fraud_warning": stripe.radar.EarlyFraudWarning,
    "balance_transaction": stripe.BalanceTransaction,
    "product": stripe.Product,
    "price": stripe.Price,
    "coupon": stripe.Coupon,
    "promotion_code": stripe.PromotionCode,
    "customer": stripe.Customer,
    "webhook_endpoint": stripe.WebhookEndpoint,
    "account": stripe.Account,
    "item": stripe.LineItem,
}


@pytest.fixture
def read(sandbox: SandboxProcess) -> Callable[[str], Any]:
    """The plain JSON of an answer, before the package has made objects of it."""

    def of(path: str) -> Any:
        request = urllib.request.Request(
            f"{sandbox.url}/v1/{path}", headers={"Authorization": "Bearer sk_test_x"}
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    return of


def assert_fits(*contents: Any) -> None:
    assert contents
    for content in contents:
        assert list(object_misfits(content, CLASSES[content["object"]], content["object"])) == []


def new_session(client: StripeClient, **more: Any) -> str:
    return client.v1.checkout.sessions.create(asked(**more)).id


def everything_happens(client: StripeClient, sandbox: SandboxProcess) -> None:
    """One payment of each kind, so that every shape and every event has been there."""
    client.v1.coupons.create({"id": "TEN", "percent_off": 10})
    code = client.v1.promotion_codes.create(
        {"code": "SAVE", "promotion": {"type": "coupon", "coupon": "TEN"}}
    )
    plain = new_session(client)
    sandbox.pay(plain, card="4000000000000002")
    sandbox.pay(plain)
    rich = new_session(
        client,
        discounts=[{"promotion_code": code.id}],
        automatic_tax={"enabled": True},
        adaptive_pricing={"enabled": True},
        invoice_creation={"enabled": True, "invoice_data": {"description": "credits"}},
        customer_creation="always",
        custom_text={"submit": {"message": "Thank you"}},
        client_reference_id="ann",
        locale="de",
        payment_intent_data={"description": "Plus", "statement_descriptor": "COFFER"},
    )
    sandbox.pay(rich, card="4000002500003155", authorize=True, presentment_currency="eur")
    for succeed in (True, False):
        debit = new_session(client)
        sandbox.pay(debit, method="bank_debit")
        sandbox.control(f"sessions/{debit}/settle", succeed=succeed)
    sandbox.pay(new_session(client), card="4000002500003155")
    client.v1.checkout.sessions.expire(new_session(client))
    refused = new_session(client)
    sandbox.pay(refused, card="4000000000009995")
    client.v1.checkout.sessions.expire(refused)
    money_goes_back(client, sandbox, plain)


def money_goes_back(client: StripeClient, sandbox: SandboxProcess, session_id: str) -> None:
    for status in ("succeeded", "pending", "requires_action", "failed"):
        refund = sandbox.control(f"sessions/{session_id}/refund", amount=100, status=status)
        if status == "pending":
            sandbox.control(f"refunds/{refund['id']}/fail")
        if status == "requires_action":
            client.v1.refunds.cancel(refund["id"])
    won = sandbox.control(f"sessions/{session_id}/dispute")
    sandbox.control(f"disputes/{won['id']}/close", outcome="won")
    inquiry = sandbox.control(f"sessions/{session_id}/dispute", inquiry=True, amount=500)
    sandbox.control(f"disputes/{inquiry['id']}/escalate")
    sandbox.control(f"disputes/{inquiry['id']}/close", outcome="lost")
    sandbox.control(f"sessions/{session_id}/fraud_warning")


def test_every_object_fits_its_class(
    client: StripeClient, sandbox: SandboxProcess, read: Callable[[str], Any]
) -> None:
    everything_happens(client, sandbox)
    for path in (
        "checkout/sessions",
        "payment_intents",
        "charges",
        "refunds",
        "disputes",
        "radar/early_fraud_warnings",
        "customers",
        "webhook_endpoints",
    ):
        assert_fits(*read(f"{path}?limit=100")["data"])
    for path in ("account", "coupons/TEN"):
        assert_fits(read(path))


def test_every_event_fits_and_holds_a_fitting_object(
    client: StripeClient, sandbox: SandboxProcess, read: Callable[[str], Any]
) -> None:
    everything_happens(client, sandbox)
    events = read("events?limit=100")["data"]
    assert_fits(*events)
    assert_fits(*[event["data"]["object"] for event in events])
    assert {event["type"] for event in events} >= {
        "checkout.session.completed",
        "checkout.session.expired",
        "checkout.session.async_payment_succeeded",
        "checkout.session.async_payment_failed",
        "payment_intent.created",
        "payment_intent.succeeded",
        "payment_intent.payment_failed",
        "payment_intent.requires_action",
        "payment_intent.processing",
        "payment_intent.canceled",
        "charge.succeeded",
        "charge.failed",
        "charge.pending",
        "charge.refunded",
        "charge.refund.updated",
        "refund.created",
        "refund.updated",
        "refund.failed",
        "charge.dispute.created",
        "charge.dispute.updated",
        "charge.dispute.closed",
        "charge.dispute.funds_withdrawn",
        "charge.dispute.funds_reinstated",
        "radar.early_fraud_warning.created",
    }


def test_expanded_objects_fit(
    client: StripeClient, sandbox: SandboxProcess, read: Callable[[str], Any]
) -> None:
    session_id = new_session(client)
    sandbox.pay(session_id)
    sandbox.control(f"sessions/{session_id}/refund", amount=100)
    session = read(
        f"checkout/sessions/{session_id}?expand[]=line_items.data.price.product"
        "&expand[]=payment_intent.latest_charge.refunds"
        "&expand[]=payment_intent.latest_charge.balance_transaction"
    )
    assert_fits(session)
    charge = session["payment_intent"]["latest_charge"]
    assert_fits(charge, charge["balance_transaction"], *charge["refunds"]["data"])
    assert_fits(*session["line_items"]["data"])
    assert_fits(session["line_items"]["data"][0]["price"]["product"])


def test_checker_bites() -> None:
    """A check that cannot fail would prove nothing."""
    said = list(object_misfits({"id": 5, "amount": None, "new": 1, "reason": "why"}, stripe.Refund, "refund"))
    assert "refund.id is 5, not <class 'str'>" in said
    assert "refund.amount is null, and must not be" in said
    assert "refund.new does not exist" in said
    assert "refund.currency is missing" in said
    assert any(sentence.startswith("refund.reason is 'why', none of") for sentence in said)
