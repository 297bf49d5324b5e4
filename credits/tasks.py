"""What the beat calls."""

from celery import shared_task

from credits import sweeping


@shared_task
def sweep_credits() -> None:
    """Book expired lots."""
    sweeping.sweep_credits()
