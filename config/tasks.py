"""What the beat calls for itself."""

from celery import shared_task
from django.db.models.functions import Now

from config.models import Heartbeat


@shared_task
def beat() -> None:
    """Leave a sign of life."""
    Heartbeat.objects.update_or_create(name="beat", defaults={"beaten_at": Now()})
