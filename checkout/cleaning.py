"""One pass of the clean-up: what is past its time expires, what is old and came to nothing goes."""

from datetime import timedelta

import structlog
from django.db.models.functions import Now

from checkout import sessions
from checkout.models import CleanUpRun

log = structlog.get_logger(__name__)

RUNS_KEPT = timedelta(days=30)


def clean_up(*, dry_run: bool = False) -> CleanUpRun:
    """Expire and delete, in batches, and return the counts; `dry_run` counts and changes nothing."""
    run = CleanUpRun(
        expired=sessions.expire_due(dry_run=dry_run),
        deleted=sessions.delete_old(dry_run=dry_run),
    )
    if not dry_run:
        run.save(force_insert=True)
        CleanUpRun.objects.filter(ran_at__lt=Now() - RUNS_KEPT).delete()
    log.info("checkout_sessions_cleaned", expired=run.expired, deleted=run.deleted, dry_run=dry_run)
    return run
