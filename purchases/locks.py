"""Every lock of this app. The order everywhere: user, checkout session, purchase, account."""

from django.contrib.auth import get_user_model
from django.db.models.functions import Now

from purchases.models import Purchase, StripeEvent


def lock_owner(user_id: int | None) -> bool:
    """Lock the person's row against a claim; False where the person is gone."""
    users = get_user_model()._default_manager.select_for_update(no_key=True)
    return user_id is not None and users.filter(pk=user_id).values("pk").first() is not None


def lock_purchase(purchase_id: int) -> Purchase:
    """Lock a purchase and read it anew."""
    return Purchase.objects.select_for_update(no_key=True).get(pk=purchase_id)


def due_purchases(*, limit: int, is_all: bool, after: int) -> list[Purchase]:
    """Lock purchases (with ids above `after`) whose next check is due and that nobody else holds."""
    due = Purchase.objects.filter(next_check_at__isnull=False, pk__gt=after)
    if not is_all:
        due = due.filter(next_check_at__lte=Now())
    return list(due.select_for_update(skip_locked=True, no_key=True).order_by("pk")[:limit])


def due_events(*, limit: int, after: int) -> list[StripeEvent]:
    """Lock events (with ids above `after`) that wait, are due, and that nobody else holds."""
    waiting = StripeEvent.objects.filter(
        state=StripeEvent.State.WAITING, next_attempt_at__lte=Now(), pk__gt=after
    )
    return list(waiting.select_for_update(skip_locked=True, no_key=True).order_by("pk")[:limit])
