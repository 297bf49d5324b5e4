"""Stripe's events: each stored once before it is handled, and handled until it is done.

An event is a hint only: what it says is asked of Stripe again by settle().
"""

import json
from datetime import timedelta
from typing import Any

import structlog
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from purchases import signed_metadata, stripe_gateway
from purchases.errors import NotFromStripe, PurchasesError, UnknownAtStripe
from purchases.fulfilment import Outcome, settle
from purchases.locks import due_events
from purchases.models import Purchase, StripeEvent

log = structlog.get_logger(__name__)

SESSION_EVENTS = {
    "checkout.session.completed",
    "checkout.session.async_payment_succeeded",
    "checkout.session.async_payment_failed",
    "checkout.session.expired",
}
# Signals only: they say that something happened to a payment, not what our session is worth now.
INTENT_EVENTS = {"payment_intent.succeeded", "payment_intent.payment_failed", "payment_intent.canceled"}
RETRY_AFTER = (timedelta(seconds=30), timedelta(minutes=2), timedelta(minutes=10), timedelta(hours=1))
BATCH = 100


def read(payload: bytes, signature: str) -> dict[str, Any]:
    """Return the event of a webhook call. Raises NotFromStripe for anything that Stripe did not sign and send."""
    text = stripe_gateway.verify_signature(payload, signature)
    try:
        event = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise NotFromStripe("signed, but not JSON") from error
    if (
        not isinstance(event, dict)
        or not isinstance(event.get("id"), str)
        or not isinstance(event.get("type"), str)
    ):
        raise NotFromStripe("signed, but not an event")
    if bool(event.get("livemode")) != stripe_gateway.is_live():
        log.error("event_of_the_other_mode", stripe_event=event["id"], livemode=bool(event.get("livemode")))
        raise NotFromStripe("an event of the other mode (live or test)")
    return event


def store(event: dict[str, Any]) -> StripeEvent | None:
    """Keep an event that concerns purchases, once; return it, or None for a kind that we do not follow."""
    if event["type"] not in SESSION_EVENTS | INTENT_EVENTS:
        return None
    stored, is_new = StripeEvent.objects.get_or_create(
        event_id=event["id"],
        defaults={
            "type": event["type"],
            "object_id": str(_object(event).get("id", ""))[:255],
            "livemode": bool(event.get("livemode")),
            "api_version": str(event.get("api_version") or "")[:60],
            "payload": event,
        },
    )
    if is_new:
        log.info("event_stored", stripe_event=stored.event_id, type=stored.type, object=stored.object_id)
    return stored


def handle(event: StripeEvent, *, via: Purchase.Via = Purchase.Via.WEBHOOK) -> Outcome:
    """Settle what a stored event speaks of and mark it done.

    Raises StripeUnavailable or StripeRefused; the event then stays waiting and retry_due() comes back to it.
    """
    try:
        outcome = _settle(event, via=via)
    except PurchasesError as error:
        wait = RETRY_AFTER[min(event.attempts, len(RETRY_AFTER) - 1)]
        StripeEvent.objects.filter(pk=event.pk).update(
            attempts=F("attempts") + 1, error=str(error)[:200], next_attempt_at=Now() + wait
        )
        raise
    state = StripeEvent.State.IGNORED if outcome is Outcome.NOT_OURS else StripeEvent.State.HANDLED
    StripeEvent.objects.filter(pk=event.pk).update(
        state=state, attempts=F("attempts") + 1, error="", handled_at=Now()
    )
    return outcome


def retry_due() -> dict[str, int]:
    """Handle every waiting event that is due, once; one that fails does not stop the others."""
    counts = {"handled": 0, "waiting": 0}
    after = 0
    while batch := _claim(after):
        after = batch[-1].pk
        for event in batch:
            try:
                handle(event, via=Purchase.Via.SWEEP)
                counts["handled"] += 1
            except PurchasesError as error:
                log.warning("event_still_waiting", stripe_event=event.event_id, error=str(error))
                counts["waiting"] += 1
            except Exception:
                log.exception("event_not_handled", stripe_event=event.event_id)
                counts["waiting"] += 1
    return counts


def _claim(after: int) -> list[StripeEvent]:
    """Take a batch and move its next attempt forward, so that a second pass meanwhile finds other work."""
    with transaction.atomic():
        batch = due_events(limit=BATCH, after=after)
        StripeEvent.objects.filter(pk__in=[event.pk for event in batch]).update(
            next_attempt_at=Now() + RETRY_AFTER[0]
        )
    return batch


def _settle(event: StripeEvent, *, via: Purchase.Via) -> Outcome:
    session_id = _session_id(event)
    if not session_id:
        return Outcome.NOT_OURS
    try:
        return settle(session_id, via=via).outcome
    except UnknownAtStripe:
        # Another account's event, or a session that Stripe has forgotten: asking again would not help.
        return Outcome.NOT_OURS


def _session_id(event: StripeEvent) -> str:
    """The Checkout Session that an event speaks of: its object, or the one behind its payment intent."""
    if event.type in SESSION_EVENTS:
        return event.object_id
    stripe_object = _object(event.payload)
    metadata = stripe_object.get("metadata")
    uuid = signed_metadata.purchase_id(metadata) if isinstance(metadata, dict) else None
    known = Purchase.objects.filter(uuid=uuid, stripe_session_id__isnull=False).first() if uuid else None
    if known and known.stripe_session_id:
        return known.stripe_session_id
    found = stripe_gateway.sessions_of_payment_intent(event.object_id) if event.object_id else []
    return found[0].id if found else ""


def _object(event: dict[str, Any]) -> dict[str, Any]:
    data = event.get("data")
    stripe_object = data.get("object") if isinstance(data, dict) else None
    return stripe_object if isinstance(stripe_object, dict) else {}
