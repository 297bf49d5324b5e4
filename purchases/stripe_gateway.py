"""The only place that speaks to Stripe. Stripe's objects end here: frozen dataclasses go on.

Nothing here may run inside a transaction or under a lock.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import stripe
from django.conf import settings

from purchases.errors import NotFromStripe, StripeRefused, StripeUnavailable, UnknownAtStripe

SIGNATURE_TOLERANCE_SECONDS = 300
# Answers that say nothing about the request itself: no key was used up, the same call may succeed later.
PASSING_STATUSES = (401, 403, 409, 429)


@dataclass(frozen=True, kw_only=True)
class StripeSession:
    """A Checkout Session as Stripe tells it. Amounts are minor units; None where Stripe did not say."""

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
    with _stripe_errors(is_replayed=True):
        session = _client().v1.checkout.sessions.create(
            params,  # type: ignore[arg-type]  # frozen as JSON
            {"idempotency_key": key},
        )
    return _session(session)


def retrieve_session(session_id: str, *, is_hurried: bool = False) -> StripeSession:
    """Ask Stripe for the truth. `is_hurried`: one try of at most 2.5 seconds, for a person who waits.

    Raises UnknownAtStripe, StripeRefused or StripeUnavailable.
    """
    params: Any = {"expand": ["line_items", "payment_intent.latest_charge"]}
    with _stripe_errors():
        session = _client(is_hurried=is_hurried).v1.checkout.sessions.retrieve(session_id, params)
    found = _session(session)
    if found.is_complete and not found.is_paid and found.payment_intent and not found.payment_intent_status:
        return _session(session, intent=_payment_intent(found.payment_intent, is_hurried=is_hurried))
    return found


def expire_session(session_id: str) -> StripeSession:
    """End an open session. Raises StripeRefused where it is not open (it may just have been paid: retrieve it)."""
    with _stripe_errors():
        return _session(_client(is_hurried=True).v1.checkout.sessions.expire(session_id))


def sessions_of_payment_intent(payment_intent: str) -> list[StripeSession]:
    """The Checkout Session behind a payment intent; empty where there is none."""
    params: Any = {"payment_intent": payment_intent, "limit": 1}
    with _stripe_errors():
        return [_session(session) for session in _client().v1.checkout.sessions.list(params).data]


def verify_signature(payload: bytes, header: str) -> str:
    """Return the body of a webhook call as text. Raises NotFromStripe unless one of our secrets signed it."""
    for secret in settings.STRIPE_WEBHOOK_SECRETS:
        try:
            stripe.WebhookSignature.verify_header(payload, header, secret, SIGNATURE_TOLERANCE_SECONDS)
        except (stripe.SignatureVerificationError, ValueError, TypeError, OverflowError):
            continue
        return payload.decode()
    raise NotFromStripe("no webhook secret fits the signature, or it is too old")


def is_live() -> bool:
    """Whether our key moves real money."""
    return str(settings.STRIPE_SECRET_KEY).startswith(("sk_live_", "rk_live_"))


@lru_cache(maxsize=4)
def _client_for(key: str, base: str, timeout: float, retries: int) -> stripe.StripeClient:
    return stripe.StripeClient(
        key,
        base_addresses={"api": base},
        max_network_retries=retries,
        http_client=stripe.RequestsClient(timeout=timeout),
    )


def _client(*, is_hurried: bool = False) -> stripe.StripeClient:
    """Two tries of half the time each, so that a whole call stays within STRIPE_TIMEOUT_SECONDS and a second."""
    seconds = settings.STRIPE_TIMEOUT_SECONDS / 2
    timeout, retries = (min(2.5, seconds), 0) if is_hurried else (seconds, 1)
    return _client_for(settings.STRIPE_SECRET_KEY, settings.STRIPE_API_BASE, timeout, retries)


def _payment_intent(payment_intent: str, *, is_hurried: bool) -> Any:
    """Where `expand` was not honoured: whether a delayed payment failed stands on the intent alone."""
    try:
        with _stripe_errors():
            return _client(is_hurried=is_hurried).v1.payment_intents.retrieve(payment_intent)
    except StripeRefused:
        return payment_intent


@contextmanager
def _stripe_errors(*, is_replayed: bool = False) -> Iterator[None]:
    """Turn Stripe's errors into ours. `is_replayed`: under an idempotency key Stripe replays even its 500s."""
    try:
        yield
    except stripe.StripeError as error:
        status = error.http_status
        if isinstance(error, stripe.APIConnectionError) or status is None or status < 400:
            # No answer, or something that is not Stripe's: half an answer, a proxy's page.
            raise StripeUnavailable(type(error).__name__) from error
        if status in PASSING_STATUSES or (status >= 500 and not is_replayed):
            raise StripeUnavailable(f"{type(error).__name__} {status}") from error
        kind = UnknownAtStripe if status == 404 else StripeRefused
        raise kind(status=status, code=error.code, request_id=error.request_id) from error
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        # JSON of the wrong shape with status 200.
        raise StripeUnavailable(f"unreadable answer: {type(error).__name__}") from error


def _session(session: Any, *, intent: Any = None) -> StripeSession:
    with _stripe_errors():
        intent = intent or _get(session, "payment_intent")
        totals = _get(session, "total_details")
        expires_at = _get(session, "expires_at")
        return StripeSession(
            id=session.id,
            url=_get(session, "url") or "",
            status=session.status,
            payment_status=session.payment_status,
            currency=(_get(session, "currency") or "").upper(),
            livemode=bool(_get(session, "livemode")),
            expires_at=datetime.fromtimestamp(expires_at, UTC) if expires_at else None,
            payment_intent=intent if isinstance(intent, str) else _get(intent, "id"),
            payment_intent_status=None if isinstance(intent, str) else _get(intent, "status"),
            amount_subtotal=_get(session, "amount_subtotal"),
            amount_total=_get(session, "amount_total"),
            amount_discount=_get(totals, "amount_discount"),
            amount_tax=_get(totals, "amount_tax"),
            quantity=_quantity(_get(session, "line_items")),
            receipt_url=_receipt_url(intent),
            metadata=_metadata(_get(session, "metadata")),
        )


def _get(thing: Any, name: str) -> Any:
    """A field that Stripe may leave out: its objects raise AttributeError then."""
    return getattr(thing, name, None)


def _quantity(line_items: Any) -> int | None:
    data = _get(line_items, "data")
    return sum(int(item.quantity or 0) for item in data) if data else None


def _receipt_url(intent: Any) -> str:
    charge = None if isinstance(intent, str) else _get(intent, "latest_charge")
    return "" if charge is None or isinstance(charge, str) else _get(charge, "receipt_url") or ""


def _metadata(metadata: Any) -> dict[str, str]:
    return {} if metadata is None else {str(key): str(value) for key, value in metadata.to_dict().items()}
