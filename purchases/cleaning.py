"""Purchases that came to nothing are deleted after PURCHASES_RETENTION_DAYS; the others are kept for ever."""

from datetime import timedelta

import structlog
from django.conf import settings
from django.db import transaction

from purchases.locks import tombstones
from purchases.models import Purchase

log = structlog.get_logger(__name__)

BATCH = 1000


def delete_tombstones(*, limit: int = BATCH) -> int:
    """Delete failed and expired purchases that old and return how many, `limit` in a transaction.

    Never one that money moved for, that is still asked about, or that was refunded or disputed.
    """
    age = timedelta(days=settings.PURCHASES_RETENTION_DAYS)
    deleted = after = 0
    while True:
        with transaction.atomic():
            batch = tombstones(older_than=age, limit=limit, after=after)
            if not batch:
                break
            after = batch[-1]
            Purchase.objects.filter(pk__in=batch).delete()
        deleted += len(batch)
    if deleted:
        log.info("tombstones_deleted", count=deleted)
    return deleted
