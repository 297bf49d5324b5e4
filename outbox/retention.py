"""Messages that are done with are kept for a while, then deleted with their deliveries."""

from datetime import timedelta

import structlog
from django.conf import settings
from django.db.models import Exists, OuterRef
from django.db.models.functions import Now

from outbox.models import Delivery, Message

log = structlog.get_logger(__name__)

BATCH = 1000


def forget_old() -> int:
    """Delete messages older than OUTBOX_RETENTION_DAYS that wait for nothing, in batches; return how many.

    What waits for an endpoint that is switched off waits for nothing.
    """
    age = timedelta(days=settings.OUTBOX_RETENTION_DAYS)
    waiting = Delivery.objects.filter(
        message=OuterRef("pk"), state=Delivery.State.WAITING, endpoint__is_active=True
    )
    old = (
        Message.objects.filter(created_at__lt=Now() - age)
        .exclude(state=Message.State.WAITING)
        .exclude(Exists(waiting))
    )
    forgotten = 0
    while ids := list(old.order_by("pk").values_list("pk", flat=True)[:BATCH]):
        Delivery.objects.filter(message__in=ids).delete()
        forgotten += Message.objects.filter(pk__in=ids).delete()[0]
    if forgotten:
        log.info("messages_forgotten", count=forgotten)
    return forgotten
