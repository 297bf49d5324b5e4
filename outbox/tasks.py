"""What the beat calls."""

from celery import shared_task

from outbox import delivering, retention, sending


@shared_task
def send_outbox() -> None:
    """One pass of mails and webhooks."""
    sending.send_due()
    delivering.deliver_due()


@shared_task
def forget_old() -> None:
    """Delete what is done with and old."""
    retention.forget_old()
