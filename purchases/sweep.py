"""The sweep: asks about every purchase that is not settled, on a schedule, and about every event that still waits.

It needs no lock of its own: a pass claims its rows and moves their next check forward, so that two at once share
the work.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from checkout.locks import database_now
from purchases import asking, inbox, refunds
from purchases.errors import PurchasesError, UnknownAtStripe
from purchases.fulfilment import settle
from purchases.locks import due_for_sync, due_purchases
from purchases.models import Purchase

log = structlog.get_logger(__name__)

Status = Purchase.Status
BATCH = 100
# After the first check. Then at Stripe's expiry, then daily for as long as it takes.
LATER_CHECKS = (timedelta(minutes=5), timedelta(minutes=15), timedelta(hours=1), timedelta(hours=6))
AFTER_EXPIRY = timedelta(minutes=2)
DAILY = timedelta(days=1)
SYNC_AGAIN = timedelta(minutes=5)


@dataclass(kw_only=True)
class Swept:
    """How one pass went: purchases and events asked about, and how those stand that needed it."""

    checked: int = 0
    credited: int = 0
    failed: int = 0
    waiting: int = 0
    unanswered: int = 0  # of those that wait: Stripe gave no answer, or we could not write it


def sweep(*, is_all: bool = False) -> Swept:
    """One pass over what is due; `is_all` ignores when each is due. One failure does not stop the others."""
    counts = Swept()
    events = inbox.retry_due()
    counts.checked += events["handled"] + events["waiting"]
    counts.waiting += events["waiting"]
    counts.unanswered += events["waiting"]
    _sync_due(counts)
    after = 0
    while batch := _claim(after=after, is_all=is_all):
        after = batch[-1].pk
        for purchase in batch:
            _count(counts, _check(purchase, counts))
    if counts.checked:
        log.info("swept", checked=counts.checked, credited=counts.credited, waiting=counts.waiting)
    return counts


def _sync_due(counts: Swept) -> None:
    """Refunds that were asked for without an answer, and what is still on its way."""
    after = 0
    while batch := _claim_for_sync(after=after):
        after = batch[-1].pk
        for purchase in batch:
            counts.checked += 1
            try:
                refunds.catch_up(purchase)
            except PurchasesError as error:
                counts.waiting += 1
                counts.unanswered += 1
                log.warning("purchase_not_synced", purchase=str(purchase.uuid), error=str(error))
            except Exception:
                counts.waiting += 1
                counts.unanswered += 1
                log.exception("purchase_not_synced", purchase=str(purchase.uuid))


def _claim_for_sync(*, after: int) -> list[Purchase]:
    with transaction.atomic():
        batch = due_for_sync(limit=BATCH, after=after)
        Purchase.objects.filter(pk__in=[purchase.pk for purchase in batch]).update(
            next_sync_at=Now() + SYNC_AGAIN
        )
    return batch


def next_check(purchase: Purchase, *, now: datetime) -> datetime:
    """When to ask about `purchase` again, given how often it was asked already."""
    delay = LATER_CHECKS[purchase.checks] if purchase.checks < len(LATER_CHECKS) else DAILY
    closes_at = purchase.stripe_expires_at + AFTER_EXPIRY
    return closes_at if now < closes_at < now + delay else now + delay


def _claim(*, after: int, is_all: bool) -> list[Purchase]:
    now = database_now()
    with transaction.atomic():
        batch = due_purchases(limit=BATCH, is_all=is_all, after=after)
        for purchase in batch:
            Purchase.objects.filter(pk=purchase.pk).update(
                checks=F("checks") + 1, next_check_at=next_check(purchase, now=now)
            )
    return batch


def _check(purchase: Purchase, counts: Swept) -> Purchase | None:
    """Return the purchase as it stands now; None where Stripe gave no answer."""
    try:
        if purchase.stripe_session_id is None:
            return asking.resume(purchase)
        return settle(purchase.stripe_session_id, via=Purchase.Via.SWEEP).purchase
    except UnknownAtStripe as error:
        return _unknown(purchase, error)
    except PurchasesError as error:
        log.warning("purchase_not_checked", purchase=str(purchase.uuid), error=str(error))
    except Exception:
        log.exception("purchase_not_checked", purchase=str(purchase.uuid))
    counts.unanswered += 1
    return None


def _unknown(purchase: Purchase, error: UnknownAtStripe) -> Purchase | None:
    """A key of another account, or a test account that was cleared: an alarm the first time, and an end some day."""
    level = log.error if purchase.checks == 0 else log.info
    level("purchase_unknown_at_stripe", purchase=str(purchase.uuid), request=error.request_id)
    ended = asking.give_up(purchase, now=database_now())
    return ended if ended.next_check_at is None else None


def _count(counts: Swept, purchase: Purchase | None) -> None:
    counts.checked += 1
    status = purchase.status if purchase else None
    if status == Status.CREDITED:
        counts.credited += 1
    elif status == Status.FAILED:
        counts.failed += 1
    elif status not in (Status.EXPIRED, Status.REVIEW):
        counts.waiting += 1
