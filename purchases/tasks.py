"""What the beat calls."""

from celery import shared_task

from purchases import sweep as sweeping


@shared_task
def sweep() -> None:
    """One pass of the sweep."""
    sweeping.sweep()
