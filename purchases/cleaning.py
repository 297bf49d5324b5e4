"""What is not kept for ever: purchases that came to nothing, and Stripe's events long after they were handled."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import structlog
from django.conf import settings
from django.db import transaction

from purchases.locks import old_events, tombstones
from purchases.models import Purchase, StripeEvent

log = structlog.get_logger(__name__)

BATCH = 1000


@dataclass(frozen=True, kw_only=True)
class Cleaned:
    """What one pass deleted, or would have."""

    purchases: int
    events: int


def clean_up(*, dry_run: bool = False) -> Cleaned:
    """One pass over everything here; `dry_run` counts and changes nothing."""
    done = Cleaned(purchases=delete_tombstones(dry_run=dry_run), events=delete_old_events(dry_run=dry_run))
    if done.purchases or done.events:
        log.info("purchases_cleaned", purchases=done.purchases, events=done.events, dry_run=dry_run)
    return done


def delete_tombstones(*, limit: int = BATCH, dry_run: bool = False) -> int:
    """Delete failed and expired purchases older than PURCHASES_RETENTION_DAYS, `limit` in a transaction.

    Never one that money moved for, that is still asked about, or that was refunded or disputed. Return how many.
    """
    age = timedelta(days=settings.PURCHASES_RETENTION_DAYS)
    return _delete(Purchase, lambda after: tombstones(older_than=age, limit=limit, after=after), dry_run)


def delete_old_events(*, limit: int = BATCH, dry_run: bool = False) -> int:
    """Delete events that were handled PURCHASES_EVENT_RETENTION_DAYS ago, `limit` in a transaction.

    Never one that waits, that tells of a dispute (the proof of returns reads those), or whose purchase has not come
    to its end. Return how many.
    """
    age = timedelta(days=settings.PURCHASES_EVENT_RETENTION_DAYS)
    return _delete(StripeEvent, lambda after: old_events(older_than=age, limit=limit, after=after), dry_run)


def _delete(
    model: type[Purchase] | type[StripeEvent], take: Callable[[int], list[int]], dry_run: bool
) -> int:
    deleted = after = 0
    while True:
        with transaction.atomic():
            batch = take(after)
            if not batch:
                return deleted
            after = batch[-1]
            if not dry_run:
                model._default_manager.filter(pk__in=batch).delete()
        deleted += len(batch)
