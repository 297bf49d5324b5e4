"""What the beat calls."""

from celery import shared_task

from accounts import cleaning


@shared_task
def clean_up() -> None:
    """Delete idle guests, old counts and ended browser sessions."""
    cleaning.clean_up()
