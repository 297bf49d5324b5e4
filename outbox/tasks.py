"""What the beat calls."""

from celery import shared_task

from outbox import sending


@shared_task
def send_outbox() -> None:
    """One pass of the sender."""
    sending.send_due()
