"""How the outbox stands. Reads only."""

from dataclasses import dataclass

from django.db.models import Count, Q

from outbox.models import Delivery, Message


@dataclass(frozen=True, kw_only=True)
class OutboxMetrics:
    """Of mails and of webhook deliveries: how many wait, and how many were given up."""

    mails_waiting: int
    mails_dropped: int
    webhooks_waiting: int
    webhooks_dropped: int


def outbox_metrics() -> OutboxMetrics:
    """Count what has not been told."""
    is_waiting, is_dropped = Q(state="waiting"), Q(state="dropped")
    mails = Message.objects.filter(is_waiting | is_dropped).aggregate(
        mails_waiting=Count("pk", filter=is_waiting),
        mails_dropped=Count("pk", filter=is_dropped),
    )
    webhooks = Delivery.objects.filter(is_waiting | is_dropped).aggregate(
        webhooks_waiting=Count("pk", filter=is_waiting),
        webhooks_dropped=Count("pk", filter=is_dropped),
    )
    return OutboxMetrics(**mails, **webhooks)
