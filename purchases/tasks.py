"""What the beat calls."""

from celery import shared_task

from purchases import backfill, cleaning, proof, webhook_health
from purchases import sweep as sweeping


@shared_task
def sweep() -> None:
    """One pass of the sweep."""
    sweeping.sweep()


@shared_task
def backfill_events() -> None:
    """One pass of the backfill, and a look at whether webhooks still come."""
    try:
        backfill.backfill()
    finally:
        webhook_health.watch()


@shared_task(soft_time_limit=3300, time_limit=3500)
def prove() -> None:
    """The daily proof, unless there is one of today; the beat asks every hour, so that an outage costs an hour."""
    proof.prove_once_a_day()


@shared_task
def clean_up() -> None:
    """Delete purchases that came to nothing, and events handled, long ago."""
    cleaning.clean_up()
