"""The last look before a payment page: what this person has under way is asked about, resumed, or ended first."""

import uuid

from purchases import stripe_gateway
from purchases.asking import resume
from purchases.errors import StripeRefused, StripeUnavailable, UnknownAtStripe
from purchases.fulfilment import book
from purchases.models import Purchase

Status = Purchase.Status


def look_at(purchase: Purchase, *, wanted: uuid.UUID) -> Purchase:
    """Return `purchase` as it stands at Stripe now; one for another session than `wanted` is ended there.

    Raises StripeUnavailable where that must be known and Stripe does not answer.
    """
    if purchase.stripe_session_id is None:
        purchase = resume(purchase)
    if purchase.stripe_session_id is None:
        return purchase
    if purchase.checkout_session_id != wanted and purchase.status == Status.OPEN:
        return _ended(purchase, purchase.stripe_session_id)
    try:
        return _asked(purchase, purchase.stripe_session_id)
    except StripeUnavailable:
        if purchase.checkout_session_id == wanted and purchase.status == Status.OPEN:
            # Stripe's page takes one payment only, so leading there again is safe.
            return purchase
        raise


def _asked(purchase: Purchase, stripe_session_id: str) -> Purchase:
    try:
        truth = stripe_gateway.retrieve_session(stripe_session_id, is_hurried=True)
    except UnknownAtStripe:
        # Another account's key, or a test account that was cleared: nobody can pay this one now, so a new one may
        # be opened. Its next check stays: should the key come back, a payment is still found.
        Purchase.objects.filter(pk=purchase.pk, status=Status.OPEN).update(
            status=Status.EXPIRED, reason="unknown_at_stripe"
        )
        return Purchase.objects.get(pk=purchase.pk)
    return book(purchase, truth, via=Purchase.Via.PAY)


def _ended(purchase: Purchase, stripe_session_id: str) -> Purchase:
    """Expire it at Stripe. A refusal may mean that it was paid a moment ago: look."""
    try:
        truth = stripe_gateway.expire_session(stripe_session_id)
    except StripeRefused:
        return _asked(purchase, stripe_session_id)
    return book(purchase, truth, via=Purchase.Via.PAY)
