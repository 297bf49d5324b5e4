"""Asking Stripe to open a purchase that is committed, with its own key and frozen parameters, and when to stop."""

from datetime import datetime, timedelta

import structlog
from django.db import transaction

from checkout.locks import database_now
from purchases import alerts, customers, stripe_gateway
from purchases.errors import PaymentNotOpened, StripeRefused, UnreadableAnswer
from purchases.fulfilment import book
from purchases.locks import lock_with_owner
from purchases.models import Purchase

log = structlog.get_logger(__name__)

# Stripe wants a session to live 30 minutes at least (docs.stripe.com/api/checkout/sessions/create), and a minute more
# for the way there; it keeps an idempotency key for 24 hours.
SHORTEST = timedelta(minutes=31)
KEY_LIFETIME = timedelta(hours=23)
# So often Stripe must have said that it knows no such session: with the sweep's pace, two days after it would end.
UNKNOWN_CHECKS = 8


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
        if error.code == "resource_missing" and "customer" in purchase.request:
            customers.forget(purchase.request["customer"])
        log.error("payment_not_opened", purchase=str(purchase.uuid), code=error.code, status=error.status)
        raise PaymentNotOpened(purchase.uuid) from error
    if Purchase.objects.filter(stripe_session_id=truth.id).exclude(pk=purchase.pk).exists():
        raise UnreadableAnswer("the id of another payment")
    return book(purchase, truth, via=Purchase.Via.PAY)


def resume(purchase: Purchase) -> Purchase:
    """Learn what became of a purchase that was interrupted while it opened, and return it as it stands then.

    Raises StripeUnavailable.
    """
    if not can_resume(purchase, now=database_now()):
        return _abandon(purchase)
    try:
        return ask_stripe(purchase)
    except PaymentNotOpened:
        return Purchase.objects.get(pk=purchase.pk)


def can_resume(purchase: Purchase, *, now: datetime) -> bool:
    """Whether the same call may be made again: the key is known to Stripe and the frozen end is far enough."""
    is_young = now - purchase.created_at < KEY_LIFETIME
    return bool(purchase.request) and is_young and purchase.stripe_expires_at - now > SHORTEST


def give_up(purchase: Purchase, *, now: datetime) -> Purchase:
    """End a purchase that Stripe does not know under our key, once it was asked often enough and nobody can pay it.

    One whose money was under way goes to review instead. Should Stripe know it again, any net still credits it.
    """
    is_early = now < purchase.stripe_expires_at or purchase.checks < UNKNOWN_CHECKS
    if is_early:
        return purchase
    is_under_way = purchase.status == Purchase.Status.PROCESSING
    with transaction.atomic():
        current = lock_with_owner(purchase.pk)
        if current.status == purchase.status:
            current.status = Purchase.Status.REVIEW if is_under_way else Purchase.Status.EXPIRED
            current.reason, current.next_check_at = "unknown_at_stripe", None
            current.save(update_fields=["status", "reason", "next_check_at"])
            if is_under_way:
                context = {**alerts.about(current), "reason": current.reason}
                alerts.tell_staff("review", key=str(current.uuid), context=context)
    log.error("purchase_given_up", purchase=str(purchase.uuid), status=current.status)
    return current


def _abandon(purchase: Purchase) -> Purchase:
    """Give up a purchase that never opened: its address was never shown to anybody."""
    Purchase.objects.filter(pk=purchase.pk, status=Purchase.Status.OPENING).update(
        status=Purchase.Status.EXPIRED, reason="never_opened", next_check_at=None
    )
    return Purchase.objects.get(pk=purchase.pk)
