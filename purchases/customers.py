"""One customer at Stripe for one person, where STRIPE_CUSTOMERS asks for it. A comfort: a sale never hangs on it."""

import structlog
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser

from purchases import stripe_gateway
from purchases.errors import KeyNotAllowed, StripeRefused, StripeUnavailable
from purchases.records import StripeCustomer
from purchases.trade import address_of

log = structlog.get_logger(__name__)


def customer_of(owner: AbstractBaseUser) -> str:
    """Return the person's customer id, made at Stripe where there is none.

    Empty for a guest, where it is off, and where Stripe gives none just now: the next payment asks again. Any number
    of calls make one: the row's uuid, committed first, is the idempotency key.
    """
    email = address_of(owner)
    if not settings.STRIPE_CUSTOMERS or not email:
        return ""
    row, _is_new = StripeCustomer.objects.get_or_create(user_id=owner.pk)
    if row.stripe_id:
        return row.stripe_id
    try:
        made = stripe_gateway.create_customer(email=email, user=str(owner.pk), key=f"customer:{row.uuid}")
    except (StripeRefused, KeyNotAllowed) as error:
        StripeCustomer.objects.filter(pk=row.pk, stripe_id__isnull=True).delete()
        log.error("customer_not_made", user=owner.pk, error=str(error))
        return ""
    except StripeUnavailable as error:
        log.warning("customer_not_made_yet", user=owner.pk, error=str(error))
        return ""
    StripeCustomer.objects.filter(pk=row.pk, stripe_id__isnull=True).update(stripe_id=made)
    return made


def forget(stripe_id: str) -> None:
    """Drop a customer that Stripe says it does not have: the next payment makes another."""
    dropped, _by_model = StripeCustomer.objects.filter(stripe_id=stripe_id).delete()
    if dropped:
        log.warning("customer_forgotten", customer=stripe_id)
