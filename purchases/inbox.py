"""Stripe's events: each stored once before it is handled, and handled until it is done.

An event is a hint only: what it says is asked of Stripe again, by settle() or by refunds.sync().
"""

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from django.db import DatabaseError, connection, transaction
from django.db.models import F
from django.db.models.functions import Now

from purchases import latency, refunds, signed_metadata, stripe_gateway, tallies
from purchases.errors import NotFromStripe, PurchasesError, UnknownAtStripe
from purchases.fulfilment import Outcome, settle
from purchases.locks import due_events
from purchases.models import Purchase, StripeEvent, WebhookTally
from purchases.storable import cleaned

log = structlog.get_logger(__name__)

SESSION_EVENTS = {
    "checkout.session.completed",
    "checkout.session.async_payment_succeeded",
    "checkout.session.async_payment_failed",
    "checkout.session.expired",
}
# Signals only: they say that something happened to a payment, not what our session is worth now.
INTENT_EVENTS = {"payment_intent.succeeded", "payment_intent.payment_failed", "payment_intent.canceled"}
# Money that went back, or is about to.
RETURN_EVENTS = {
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
    "radar.early_fraud_warning.updated",
}
FOLLOWED = SESSION_EVENTS | INTENT_EVENTS | RETURN_EVENTS
RETRY_AFTER = (timedelta(seconds=30), timedelta(minutes=2), timedelta(minutes=10), timedelta(hours=1))
BATCH = 100
LONGEST_NAME = 255  # Stripe's ids, as long as Stripe says that they may become
# Settling again would not change these.
SETTLED = (Purchase.Status.CREDITED, Purchase.Status.REVIEW)


def read(payload: bytes, signature: str) -> dict[str, Any]:
    """Return the event of a webhook call. Raises NotFromStripe for anything that Stripe did not sign and send."""
    text = stripe_gateway.verify_signature(payload, signature)
    try:
        event = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise NotFromStripe("signed, but not JSON") from error
    if not isinstance(event, dict) or not _is_name(event.get("id")) or not _is_name(event.get("type")):
        raise NotFromStripe("signed, but not an event")
    try:
        storable: dict[str, Any] = cleaned(event)
    except ValueError as error:
        raise NotFromStripe("signed, but nothing that a database can hold") from error
    if bool(event.get("livemode")) != stripe_gateway.is_live():
        log.error("event_of_the_other_mode", stripe_event=event["id"], livemode=bool(event.get("livemode")))
        raise NotFromStripe("an event of the other mode (live or test)")
    return storable


def store(event: dict[str, Any], *, is_delivered: bool = False) -> StripeEvent | None:
    """Keep an event that concerns purchases, once; return it, or None for a kind that we do not follow.

    `is_delivered`: a webhook call brought it, which is noted also where the backfill had found it before.
    """
    if event["type"] not in FOLLOWED:
        return None
    stored = StripeEvent(
        event_id=event["id"],
        type=event["type"],
        object_id=str(_object(event).get("id", ""))[:255],
        livemode=bool(event.get("livemode")),
        api_version=str(event.get("api_version") or "")[:60],
        payload=event,
        happened_at=happened_at(event),
    )
    words = {**vars(stored), "payload": json.dumps(event), "is_delivered": is_delivered}
    with connection.cursor() as cursor:
        cursor.execute(_STORE, words)
        stored.pk, stored.state, stored.attempts, is_new, _ = cursor.fetchone()
    if is_new:
        log.info("event_stored", stripe_event=stored.event_id, type=stored.type, object=stored.object_id)
    return stored


def happened_at(event: dict[str, Any]) -> datetime | None:
    """When Stripe says that it happened; None where it does not say."""
    created = event.get("created")
    return datetime.fromtimestamp(created, UTC) if type(created) is int and 0 < created < 2**33 else None


def handle(event: StripeEvent, *, via: Purchase.Via = Purchase.Via.WEBHOOK, is_call: bool = False) -> Outcome:
    """Settle what a stored event speaks of and mark it done. `is_call`: a webhook call, which is counted then.

    Raises StripeUnavailable or StripeRefused; the event then stays waiting and retry_due() comes back to it, as it
    does after what nobody expected.
    """
    try:
        outcome = _settle(event, via=via)
    except Exception as error:
        with suppress(DatabaseError):  # it may be the database that is gone
            _note_failure(event, error)
        raise
    _end(event, outcome, is_call=is_call)
    return outcome


def _end(event: StripeEvent, outcome: Outcome, *, is_call: bool) -> None:
    state = StripeEvent.State.IGNORED if outcome is Outcome.NOT_OURS else StripeEvent.State.HANDLED
    values: list[Any] = [state.value, event.pk, outcome is Outcome.CREDITED]
    if is_call and tallies.tally(WebhookTally.Outcome.HANDLED, beside=_END, values=values):
        return
    with connection.cursor() as cursor:
        cursor.execute(_END, values)


def _note_failure(event: StripeEvent, error: Exception) -> None:
    words = str(error).partition("\n")[0]  # a database's other lines tell the row
    StripeEvent.objects.filter(pk=event.pk).update(
        attempts=F("attempts") + 1,
        error=(words if isinstance(error, PurchasesError) else f"{type(error).__name__}: {words}")[:200],
        next_attempt_at=Now() + RETRY_AFTER[min(event.attempts, len(RETRY_AFTER) - 1)],
    )


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
    try:
        return _sync(event, via=via) if event.type in RETURN_EVENTS else _settle_session(event, via=via)
    except UnknownAtStripe:
        # Another account's event, or a session that Stripe has forgotten: asking again would not help.
        return Outcome.NOT_OURS


def _settle_session(event: StripeEvent, *, via: Purchase.Via) -> Outcome:
    session_id = _session_id(event)
    if not session_id:
        return Outcome.NOT_OURS
    settlement = settle(session_id, via=via)
    if settlement.purchase is not None:
        latency.note(event, settlement.purchase)
    return settlement.outcome


def _sync(event: StripeEvent, *, via: Purchase.Via) -> Outcome:
    """The purchase first, then what went back of it."""
    told = _object(event.payload)
    intent = _payment_intent(told)
    purchase = Purchase.objects.filter(payment_intent=intent).first() if intent else None
    if purchase is None or purchase.status not in SETTLED:
        session_id = (purchase and purchase.stripe_session_id) or _session_behind(intent, told)
        purchase = settle(session_id, via=via).purchase if session_id else None
    if purchase is None:
        return Outcome.NOT_OURS
    return Outcome(refunds.sync(purchase, via=via, told=told).status)


def _payment_intent(told: dict[str, Any]) -> str:
    """The payment that an event's object belongs to: it stands there, or on the charge, expanded or not."""
    intent, charge = told.get("payment_intent"), told.get("charge")
    if isinstance(intent, dict):
        intent = intent.get("id")
    if not intent and isinstance(charge, dict):
        intent, charge = charge.get("payment_intent"), charge.get("id")
    if isinstance(intent, str) and intent:
        return intent
    return stripe_gateway.payment_intent_of_charge(charge) if isinstance(charge, str) and charge else ""


def _session_id(event: StripeEvent) -> str:
    """The Checkout Session that an event speaks of: its object, or the one behind its payment intent."""
    if event.type in SESSION_EVENTS:
        return event.object_id
    return _session_behind(event.object_id, _object(event.payload))


def _session_behind(payment_intent: str, told: dict[str, Any]) -> str:
    metadata = told.get("metadata")
    uuid = signed_metadata.purchase_id(metadata) if isinstance(metadata, dict) else None
    known = Purchase.objects.filter(uuid=uuid, stripe_session_id__isnull=False).first() if uuid else None
    if known and known.stripe_session_id:
        return known.stripe_session_id
    found = stripe_gateway.sessions_of_payment_intent(payment_intent) if payment_intent else []
    return found[0].id if found else ""


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= LONGEST_NAME


def _object(event: dict[str, Any]) -> dict[str, Any]:
    data = event.get("data")
    stripe_object = data.get("object") if isinstance(data, dict) else None
    return stripe_object if isinstance(stripe_object, dict) else {}


# What was credited is on the disk already: its event, forgotten by a server that crashes, would only be handled again.
_END = """
update purchases_stripeevent
set state = %s, attempts = attempts + 1, error = '', handled_at = statement_timestamp() where id = %s
returning case when %s then set_config('synchronous_commit', 'off', true) end
"""
# A row that this statement has inserted was updated by nobody: its xmax is 0. Its commit waits for no flush: the next
# one that does brings it along, and what a crash of the server forgets before, Stripe was not answered for.
_STORE = """
insert into purchases_stripeevent as known (
  event_id, type, object_id, livemode, api_version, payload, state, attempts, error, happened_at, delivered_at
)
values (
  %(event_id)s, %(type)s, %(object_id)s, %(livemode)s, %(api_version)s, %(payload)s::jsonb, 'waiting', 0, '',
  %(happened_at)s, case when %(is_delivered)s then statement_timestamp() end
)
on conflict (event_id) do update set delivered_at = coalesce(known.delivered_at, excluded.delivered_at)
returning id, state, attempts, xmax = 0, set_config('synchronous_commit', 'off', true)
"""
