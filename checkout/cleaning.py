"""One pass of the clean-up: what is past its time expires, what is old and came to nothing goes."""

from dataclasses import dataclass

import structlog

from checkout import sessions

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class CleanUp:
    """How many sessions one pass expired and deleted."""

    expired: int
    deleted: int


def clean_up(*, dry_run: bool = False) -> CleanUp:
    """Expire and delete, in batches, and return the counts; `dry_run` counts and changes nothing."""
    counts = CleanUp(
        expired=sessions.expire_due(dry_run=dry_run),
        deleted=sessions.delete_old(dry_run=dry_run),
    )
    log.info("checkout_sessions_cleaned", expired=counts.expired, deleted=counts.deleted, dry_run=dry_run)
    return counts
