"""The backfill: Stripe's own list of events, for whatever no webhook brought.

It begins an hour before the newest event that the last whole pass saw. Two passes at once are harmless.
"""

from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db.models.functions import Now

from checkout.locks import database_now
from purchases import inbox, stripe_gateway
from purchases.errors import PurchasesError
from purchases.fulfilment import Outcome
from purchases.models import BackfillRun, Purchase, StripeEvent

log = structlog.get_logger(__name__)

# Stripe's list is not strictly in order of time while events are being made.
OVERLAP = timedelta(hours=1)
# docs.stripe.com/api/events: "only going back up to 30 days".
KEPT_AT_STRIPE = timedelta(days=30)
RUNS_KEPT = timedelta(days=30)


def backfill() -> BackfillRun:
    """One pass: take in every event that is not handled yet, and keep how far the list was seen.

    Raises StripeUnavailable or StripeRefused; what came before is kept and the next pass begins where this one did.
    """
    now = database_now()
    last = BackfillRun.objects.order_by("-pk").first()
    reach = now - KEPT_AT_STRIPE
    since = reach if last is None else max(last.seen_until - OVERLAP, reach)
    run = BackfillRun(
        from_at=since,
        seen_until=since if last is None else max(last.seen_until, since),
        has_gap=last is not None and last.ran_at < reach,
        checked=0,
        credited=0,
        failed=0,
        waiting=0,
    )
    failed: set[str] = set()
    for page in stripe_gateway.events_since(since, types=sorted(inbox.FOLLOWED)):
        _take_in([event for event in page.things if event["type"] in inbox.FOLLOWED], run, failed)
        for event in page.unread:
            log.error("event_unreadable", stripe_event=event.id, error=event.why)
        run.checked += len(page.unread)
        run.waiting += len(page.unread)
    run.failed = len(failed)
    run.credited = _credited_since(now)
    _keep(run)
    return run


def _take_in(events: list[dict[str, Any]], run: BackfillRun, failed: set[str]) -> None:
    """Store and handle what of a page is not handled, oldest first; one failure does not stop the others."""
    done = StripeEvent.objects.exclude(state=StripeEvent.State.WAITING)
    known = set(
        done.filter(event_id__in=[event["id"] for event in events]).values_list("event_id", flat=True)
    )
    for event in reversed(events):
        run.checked += 1
        run.seen_until = max(run.seen_until, inbox.happened_at(event) or run.seen_until)
        stored = None if event["id"] in known else inbox.store(event)
        if stored is None or stored.state != StripeEvent.State.WAITING:
            continue
        try:
            outcome = inbox.handle(stored, via=Purchase.Via.BACKFILL)
        except PurchasesError as error:
            log.warning("event_still_waiting", stripe_event=stored.event_id, error=str(error))
            run.waiting += 1
        except Exception:
            log.exception("event_not_handled", stripe_event=stored.event_id)
            run.waiting += 1
        else:
            if outcome is Outcome.FAILED and stored.type in inbox.SESSION_EVENTS:
                failed.add(stored.object_id)


def _credited_since(begun: datetime) -> int:
    mine = Purchase.objects.filter(credited_via=Purchase.Via.BACKFILL, credited_at__gte=begun)
    return mine.count()


def _keep(run: BackfillRun) -> None:
    run.save(force_insert=True)
    BackfillRun.objects.filter(ran_at__lt=Now() - RUNS_KEPT).exclude(pk=run.pk).delete()
    if run.has_gap:
        log.error("backfill_has_a_gap", since=run.from_at.isoformat())
    if run.credited or run.waiting:
        log.warning("backfilled", checked=run.checked, credited=run.credited, waiting=run.waiting)
