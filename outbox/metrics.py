"""How the outbox stands. Reads only."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Min, Q

from outbox.models import Delivery, Message


@dataclass(frozen=True, kw_only=True)
class OutboxMetrics:
    """Of mails and of webhook deliveries: how many wait, since when the oldest does, how many were given up."""

    mails_waiting: int
    oldest_mail_at: datetime | None
    mails_dropped: int
    webhooks_waiting: int
    oldest_webhook_at: datetime | None
    webhooks_dropped: int


def outbox_metrics() -> OutboxMetrics:
    """Count what has not been told."""
    is_waiting, is_dropped = Q(state="waiting"), Q(state="dropped")
    mails = Message.objects.filter(is_waiting | is_dropped).aggregate(
        mails_waiting=Count("pk", filter=is_waiting),
        oldest_mail_at=Min("created_at", filter=is_waiting),
        mails_dropped=Count("pk", filter=is_dropped),
    )
    webhooks = Delivery.objects.filter(is_waiting | is_dropped).aggregate(
        webhooks_waiting=Count("pk", filter=is_waiting),
        oldest_webhook_at=Min("created_at", filter=is_waiting),
        webhooks_dropped=Count("pk", filter=is_dropped),
    )
    return OutboxMetrics(**mails, **webhooks)
