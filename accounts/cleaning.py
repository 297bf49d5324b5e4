"""What is not kept of people: guests without a purchase or credits, old counts, browser sessions that have ended."""

from datetime import timedelta
from importlib import import_module

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.functions import Now

from accounts import locks, throttling
from accounts.models import User
from checkout.models import CheckoutSession
from credits.accounts import users_with_account
from purchases.models import Purchase

log = structlog.get_logger(__name__)

BATCH = 500


def clean_up() -> None:
    """One pass over everything here."""
    guests, counts = delete_idle_guests(), throttling.forget_old()
    import_module(settings.SESSION_ENGINE).SessionStore.clear_expired()
    log.info("people_cleaned", guests=guests, counts=counts)


def delete_idle_guests(*, dry_run: bool = False) -> int:
    """Delete guests who joined GUEST_DAYS ago and have no purchase, order, entry or hold; return how many.

    In batches, passing by who is in use this moment. Others are kept for ever, claimed ones too.
    """
    deleted, last = 0, 0
    while batch := list(_idle().filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:BATCH]):
        last = batch[-1]
        deleted += len(_without_account(batch)) if dry_run else _delete(batch)
    return deleted


def _idle() -> QuerySet[User]:
    mine = {"owner_id": OuterRef("pk")}
    return User.objects.filter(
        ~Exists(Purchase.objects.filter(**mine)),
        ~Exists(CheckoutSession.objects.filter(**mine)),
        is_guest=True,
        merged_into=None,
        date_joined__lte=Now() - timedelta(days=settings.GUEST_DAYS),
    )


def _delete(batch: list[int]) -> int:
    with transaction.atomic():
        # Nobody can begin anything for them now; what began before is seen by the second look.
        free = locks.lock_guests_to_delete(batch)
        idle = _without_account(list(_idle().filter(pk__in=free).values_list("pk", flat=True)))
        User.objects.filter(pk__in=idle).delete()
    return len(idle)


def _without_account(ids: list[int]) -> list[int]:
    kept = users_with_account(ids)
    return [number for number in ids if number not in kept]
