"""Every lock of this app."""

from django.db.models import F
from django.db.models.functions import Now

from outbox.models import Message


def due_messages(*, limit: int) -> list[Message]:
    """Lock waiting messages that are due and that nobody else holds, oldest first."""
    waiting = Message.objects.filter(state=Message.State.WAITING, next_attempt_at__lte=Now())
    return list(waiting.select_for_update(skip_locked=True).order_by(F("next_attempt_at"))[:limit])
