"""Checkout Sessions: opened, looked at, ended; and the customers that they are for."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import quote_plus

from purchases.errors import StripeRefused, UnreadableAnswer
from purchases.stripe_gateway import client as stripe_client
from purchases.stripe_gateway import reading
from purchases.stripe_gateway.client import stripe_errors
from purchases.stripe_gateway.reading import field as _get


@dataclass(frozen=True, kw_only=True)
class StripeSession:
    """A Checkout Session as Stripe tells it. Amounts are minor units; None where Stripe did not say.

    `has_returns`: some of its money was refunded or disputed.
    """

    id: str
    url: str
    status: str
    payment_status: str
    currency: str
    livemode: bool
    expires_at: datetime | None
    payment_intent: str | None
    payment_intent_status: str | None
    amount_subtotal: int | None
    amount_total: int | None
    amount_discount: int | None
    amount_tax: int | None
    quantity: int | None
    receipt_url: str
    created_at: datetime | None = None
    charged_at: datetime | None = None
    buyer_email: str = field(default="", repr=False)
    has_returns: bool = False
    metadata: dict[str, str] = field(default_factory=dict)

    @property
    def is_complete(self) -> bool:
        """The form is done; the money may still be on its way."""
        return self.status == "complete"

    @property
    def is_paid(self) -> bool:
        """Fulfil now: Stripe's rule is `payment_status != "unpaid"` (docs.stripe.com/checkout/fulfillment)."""
        return self.payment_status == "paid" or (
            self.is_complete and self.payment_status == "no_payment_required"
        )


def create_session(params: dict[str, Any], *, key: str) -> StripeSession:
    """Open a Checkout Session. The same `key` and `params` within 24 hours give the same session.

    Raises StripeUnavailable (no definite answer: resume with the same key) or StripeRefused (definite).
    """
    with stripe_errors(is_replayed=True):
        session = stripe_client.client().v1.checkout.sessions.create(
            _in_order(params),  # frozen as JSON
            {"idempotency_key": key},
        )
    found = read_session(session)
    if found.status == "open" and not found.url:
        raise UnreadableAnswer("url")
    return found


def retrieve_session(session_id: str, *, is_hurried: bool = False) -> StripeSession:
    """Ask Stripe for the truth. `is_hurried`: one try of at most 2.5 seconds, for a person who waits.

    Raises UnknownAtStripe, StripeRefused or StripeUnavailable.
    """
    with stripe_errors():
        # As plain JSON: every payment asks this, and making objects of the answer took as long as asking.
        answer = stripe_client.client(is_hurried=is_hurried).raw_request(
            "get",
            f"/v1/checkout/sessions/{quote_plus(session_id)}",
            expand=["line_items", "payment_intent.latest_charge"],
        )
    session = answer.data
    found = read_session(session)
    if found.is_complete and not found.is_paid and found.payment_intent and not found.payment_intent_status:
        return read_session(session, intent=_payment_intent(found.payment_intent, is_hurried=is_hurried))
    return found


def create_customer(*, email: str, user: str, key: str) -> str:
    """Make a customer, once for `key`, with one hurried try. Raises StripeUnavailable or StripeRefused."""
    params: Any = {"email": email, "metadata": {"user": user}}
    with stripe_errors(is_replayed=True):
        customers = stripe_client.client(is_hurried=True).v1.customers
        return reading.required(customers.create(params, {"idempotency_key": key}), "id")


def expire_session(session_id: str) -> StripeSession:
    """End an open session. Raises StripeRefused where it is not open (it may just have been paid: retrieve it)."""
    with stripe_errors():
        return read_session(stripe_client.client(is_hurried=True).v1.checkout.sessions.expire(session_id))


def sessions_of_payment_intent(payment_intent: str) -> list[StripeSession]:
    """The Checkout Session behind a payment intent; empty where there is none."""
    params: Any = {"payment_intent": payment_intent, "limit": 1}
    with stripe_errors():
        return [
            read_session(session) for session in stripe_client.client().v1.checkout.sessions.list(params).data
        ]


def _payment_intent(payment_intent: str, *, is_hurried: bool) -> Any:
    """Where `expand` was not honoured: whether a delayed payment failed stands on the intent alone."""
    try:
        with stripe_errors():
            return stripe_client.client(is_hurried=is_hurried).v1.payment_intents.retrieve(payment_intent)
    except StripeRefused:
        return payment_intent


def _in_order(params: Any) -> Any:
    """The database keeps no order of members, and whoever compares a repeated call with the first may want one."""
    if isinstance(params, dict):
        return {name: _in_order(params[name]) for name in sorted(params)}
    return [_in_order(part) for part in params] if isinstance(params, list) else params


def read_session(session: Any, *, intent: Any = None) -> StripeSession:
    """Take what matters out of Stripe's object, or of its plain JSON. For the modules beside this one only."""
    with stripe_errors():
        intent = intent or _get(session, "payment_intent")
        charge = _expanded(_get(_expanded(intent), "latest_charge"))
        totals = _get(session, "total_details")
        return StripeSession(
            id=reading.required(session, "id"),
            url=reading.address(session, "url"),
            status=reading.required(session, "status"),
            payment_status=reading.required(session, "payment_status"),
            currency=reading.text(session, "currency").upper(),
            livemode=reading.flag(session, "livemode"),
            expires_at=reading.moment(session, "expires_at"),
            payment_intent=reading.id_of(session, "payment_intent") or None,
            payment_intent_status=reading.text(_expanded(intent), "status") or None,
            amount_subtotal=reading.amount(session, "amount_subtotal"),
            amount_total=reading.amount(session, "amount_total"),
            amount_discount=reading.amount(totals, "amount_discount"),
            amount_tax=reading.amount(totals, "amount_tax"),
            quantity=_quantity(_get(session, "line_items")),
            receipt_url=reading.address(charge, "receipt_url"),
            created_at=reading.moment(session, "created"),
            charged_at=reading.moment(charge, "created"),
            buyer_email=reading.email(_get(session, "customer_details"), "email"),
            has_returns=bool(_get(charge, "amount_refunded") or _get(charge, "disputed")),
            metadata=reading.texts(session, "metadata"),
        )


def _quantity(line_items: Any) -> int | None:
    data = _get(line_items, "data")
    return None if data is None else sum(reading.required_amount(item, "quantity") for item in data)


def _expanded(thing: Any) -> Any:
    """The object; None where only its id was sent."""
    return None if isinstance(thing, str) else thing
