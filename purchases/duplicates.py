"""Two payments for one wish: both are credited, and both are flagged for the operator."""

import uuid

from django.db.models import Q

from checkout.models import CheckoutSession
from purchases.models import Purchase


def flag_others(purchase: Purchase) -> bool:
    """Flag the credited purchases of the same wish and return whether there are any."""
    wish = _wish_of(purchase.checkout_session_id)
    others = Purchase.objects.filter(
        checkout_session__in=wish, owner_id=purchase.owner_id, status=Purchase.Status.CREDITED
    ).exclude(pk=purchase.pk)
    return others.update(is_duplicate=True) > 0


def is_late(purchase: Purchase) -> bool:
    """Whether the checkout session behind a purchase has died or was deleted: a payment now comes late."""
    alive = (CheckoutSession.Status.ACTIVE, CheckoutSession.Status.COMPLETED)
    sessions = CheckoutSession.objects.filter(status__in=alive)
    return (
        purchase.checkout_session_id is None or not sessions.filter(pk=purchase.checkout_session_id).exists()
    )


def _wish_of(session_id: uuid.UUID | None) -> set[uuid.UUID]:
    """The sessions that were renewed or recovered from one another: one wish of one person."""
    found: set[uuid.UUID] = set()
    edge = {session_id} if session_id else set()
    while edge:
        found |= edge
        near = CheckoutSession.objects.filter(
            Q(pk__in=edge) | Q(renewed_from__in=edge) | Q(recovered_from__in=edge)
        ).values_list("pk", "renewed_from", "recovered_from")
        edge = {pk for row in near for pk in row if pk is not None} - found
    return found
