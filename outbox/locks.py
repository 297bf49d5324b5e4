"""Every lock of this app."""

from collections.abc import Iterable

from django.db.models import F
from django.db.models.functions import Now

from outbox.models import Delivery, Message


def due_messages(*, limit: int) -> list[Message]:
    """Lock waiting messages that are due and that nobody else holds, oldest first."""
    waiting = Message.objects.filter(state=Message.State.WAITING, next_attempt_at__lte=Now())
    return list(waiting.select_for_update(skip_locked=True).order_by(F("next_attempt_at"))[:limit])


def due_deliveries(*, limit: int, except_endpoints: Iterable[int]) -> list[Delivery]:
    """Lock waiting deliveries that are due and that nobody else holds, oldest first.

    Those of a switched-off endpoint wait until it is switched on again; retention.py forgets them once they are old.
    """
    waiting = (
        Delivery.objects.filter(
            state=Delivery.State.WAITING, next_attempt_at__lte=Now(), endpoint__is_active=True
        )
        .exclude(endpoint__in=except_endpoints)
        .select_related("message", "endpoint")
    )
    locked = waiting.select_for_update(skip_locked=True, of=("self",))
    return list(locked.order_by(F("next_attempt_at"), "pk")[:limit])
