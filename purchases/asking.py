"""Asking Stripe to open a purchase that is committed: with its own key and frozen parameters, any number of times."""

from datetime import datetime, timedelta

import structlog

from purchases import stripe_gateway
from purchases.errors import PaymentNotOpened, StripeRefused
from purchases.fulfilment import book
from purchases.models import Purchase

log = structlog.get_logger(__name__)

# Stripe wants a session to live 30 minutes at least (docs.stripe.com/api/checkout/sessions/create), and a minute more
# for the way there; it keeps an idempotency key for 24 hours.
SHORTEST = timedelta(minutes=31)
KEY_LIFETIME = timedelta(hours=23)


def ask_stripe(purchase: Purchase) -> Purchase:
    """Ask Stripe to open a committed purchase and book the answer. Safe to repeat while can_resume() says so.

    Raises StripeUnavailable (the purchase stays `opening`) or PaymentNotOpened (it is closed as failed).
    """
    try:
        truth = stripe_gateway.create_session(purchase.request, key=str(purchase.uuid))
    except StripeRefused as error:
        # Definite: Stripe would replay this answer, its 500s too, so this purchase can never open.
        Purchase.objects.filter(pk=purchase.pk, status=Purchase.Status.OPENING).update(
            status=Purchase.Status.FAILED, reason=str(error)[:200], next_check_at=None
        )
        log.error("payment_not_opened", purchase=str(purchase.uuid), code=error.code, status=error.status)
        raise PaymentNotOpened(purchase.uuid) from error
    return book(purchase, truth, via=Purchase.Via.PAY)


def can_resume(purchase: Purchase, *, now: datetime) -> bool:
    """Whether the same call may be made again: the key is known to Stripe and the frozen end is far enough."""
    is_young = now - purchase.created_at < KEY_LIFETIME
    return bool(purchase.request) and is_young and purchase.stripe_expires_at - now > SHORTEST


def abandon(purchase: Purchase) -> Purchase:
    """Give up a purchase that never opened: its address was never shown to anybody."""
    Purchase.objects.filter(pk=purchase.pk, status=Purchase.Status.OPENING).update(
        status=Purchase.Status.EXPIRED, reason="never_opened", next_check_at=None
    )
    return Purchase.objects.get(pk=purchase.pk)
