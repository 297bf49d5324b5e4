"""What the beat calls."""

from celery import shared_task

from checkout import cleaning


@shared_task
def clean_checkout_sessions() -> None:
    """One pass of the clean-up."""
    cleaning.clean_up()
