"""Every lock of this app. The order everywhere: user, checkout session, purchase, account."""

from datetime import timedelta

from django.contrib.auth import get_user_model
from django.db import connection
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Now

from purchases import rows
from purchases.models import Purchase, StripeEvent

ENDED = (Purchase.Status.CREDITED, Purchase.Status.FAILED, Purchase.Status.EXPIRED)


def lock_owner(user_id: int | None) -> bool:
    """Lock the person's row against a claim; False where the person is gone."""
    users = get_user_model()._default_manager.select_for_update(no_key=True)
    return user_id is not None and users.filter(pk=user_id).values("pk").first() is not None


def lock_owner_to_credit(purchase_id: int) -> int | None:
    """Lock the owner of a purchase against a claim, and return their id.

    None where nobody owns it, and where it is credited already, which needs no lock.
    """
    assert connection.in_atomic_block, "a lock lasts as long as the transaction around it"
    with connection.cursor() as cursor:
        cursor.execute("select purchases_lock_owner_to_credit(%s)", [purchase_id])
        owner_id: int | None = cursor.fetchone()[0]
        return owner_id


def lock_purchase(purchase_id: int) -> Purchase:
    """Lock a purchase and read it anew."""
    assert connection.in_atomic_block, "a lock lasts as long as the transaction around it"
    purchase = rows.one(Purchase, "id = %s for no key update", purchase_id)
    if purchase is None:
        raise Purchase.DoesNotExist
    return purchase


def lock_purchases_of(user_id: int) -> list[int]:
    """Lock all purchases of a person, in the order of their numbers, and return those."""
    mine = Purchase.objects.filter(owner_id=user_id).select_for_update(no_key=True).order_by("pk")
    return list(mine.values_list("pk", flat=True))


def lock_with_owner(purchase_id: int) -> Purchase:
    """Lock a purchase after its owner, and read it anew."""
    lock_owner(Purchase.objects.values_list("owner_id", flat=True).get(pk=purchase_id))
    return lock_purchase(purchase_id)


def due_for_sync(*, limit: int, after: int) -> list[Purchase]:
    """Lock purchases (with ids above `after`) whose refunds or disputes are to be asked about now."""
    due = Purchase.objects.filter(next_sync_at__lte=Now(), pk__gt=after)
    return list(due.select_for_update(skip_locked=True, no_key=True).order_by("pk")[:limit])


def due_purchases(*, limit: int, is_all: bool, after: int) -> list[Purchase]:
    """Lock purchases (with ids above `after`) whose next check is due and that nobody else holds."""
    due = Purchase.objects.filter(next_check_at__isnull=False, pk__gt=after)
    if not is_all:
        due = due.filter(next_check_at__lte=Now())
    return list(due.select_for_update(skip_locked=True, no_key=True).order_by("pk")[:limit])


def tombstones(*, older_than: timedelta, limit: int, after: int) -> list[int]:
    """Lock purchases (with ids above `after`) that came to nothing so long ago, and that nobody else holds."""
    old = Purchase.objects.filter(
        status__in=[Purchase.Status.FAILED, Purchase.Status.EXPIRED],
        created_at__lte=Now() - older_than,
        next_check_at__isnull=True,
        next_sync_at__isnull=True,
        refunds__isnull=True,
        disputes__isnull=True,
        fraud_warnings__isnull=True,
        pk__gt=after,
    )
    locked = old.select_for_update(skip_locked=True, no_key=True, of=("self",)).order_by("pk")
    return list(locked.values_list("pk", flat=True)[:limit])


def old_events(*, older_than: timedelta, limit: int, after: int) -> list[int]:
    """Lock events (with ids above `after`) handled so long ago that nothing asks for them, and that nobody holds."""
    unfinished = Purchase.objects.filter(
        Q(stripe_session_id=OuterRef("object_id")) | Q(payment_intent=OuterRef("object_id"))
    ).exclude(status__in=ENDED)
    old = (
        StripeEvent.objects.filter(handled_at__lte=Now() - older_than, pk__gt=after)
        .exclude(state=StripeEvent.State.WAITING)
        .exclude(type__startswith="charge.dispute.")
        .filter(~Exists(unfinished))
    )
    locked = old.select_for_update(skip_locked=True, no_key=True, of=("self",)).order_by("pk")
    return list(locked.values_list("pk", flat=True)[:limit])


def due_events(*, limit: int, after: int) -> list[StripeEvent]:
    """Lock events (with ids above `after`) that wait, are due, and that nobody else holds."""
    waiting = StripeEvent.objects.filter(
        state=StripeEvent.State.WAITING, next_attempt_at__lte=Now(), pk__gt=after
    )
    return list(waiting.select_for_update(skip_locked=True, no_key=True).order_by("pk")[:limit])
