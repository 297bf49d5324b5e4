"""Opening a payment, safe against a crash at any point: look, commit what we will ask, ask, store the answer.

The purchase's uuid is Stripe's idempotency key and its parameters are frozen, so that asking again is harmless.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

import structlog
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.translation import ngettext

from checkout import sessions
from checkout.errors import SessionNotActive
from checkout.locks import database_now
from checkout.models import CheckoutSession
from purchases import customers, last_look, rebuilding, signed_metadata, stripe_gateway, trade
from purchases.asking import SHORTEST, ask_stripe
from purchases.errors import TermsNotAgreed, UnreadableAnswer
from purchases.locks import lock_owner
from purchases.models import LIVE, Purchase

log = structlog.get_logger(__name__)

# Stripe lets a session live 24 hours at most. It ends a minute before ours, so that a payment never meets a checkout
# session that is already over.
LONGEST = timedelta(hours=23, minutes=58)
ENDS_BEFORE_OURS = timedelta(minutes=1)
# A payment may still be reported this long after Stripe's page has closed.
STRAGGLERS = timedelta(hours=2)
PAID = (Purchase.Status.CREDITED, Purchase.Status.REVIEW)


class Next(Enum):
    """Where the buyer goes from here."""

    TO_STRIPE = "to_stripe"
    PAID = "paid"
    UNDER_WAY = "under_way"


@dataclass(frozen=True, kw_only=True)
class Opened:
    """What came of Pay: the purchase, and for TO_STRIPE the address of Stripe's page."""

    next: Next
    purchase: Purchase
    url: str = ""


@stripe_gateway.patience()
def open_payment(
    *, owner: AbstractBaseUser, session: CheckoutSession, is_again: bool = False, agrees: bool = False
) -> Opened:
    """Lead `owner` to a payment page for `session`: one page however often and from wherever it is asked.

    What is already paid or under way is shown instead; `is_again` buys beside a payment under way. `agrees`: to the
    terms, which the purchase keeps where TERMS_CONSENT asks for it.
    Raises TermsNotAgreed, StripeUnavailable (ask again, nothing is lost), PaymentNotOpened (Stripe refused this one) or
    checkout.errors.SessionNotActive.
    """
    if settings.TERMS_CONSENT and not agrees:
        raise TermsNotAgreed
    for purchase in Purchase.objects.filter(owner_id=owner.pk, status__in=LIVE).order_by("pk"):
        seen = last_look.look_at(purchase, wanted=session.pk)
        if seen.status == Purchase.Status.CREDITED:
            return Opened(next=Next.PAID, purchase=seen)
        if seen.status == Purchase.Status.PROCESSING and not is_again:
            return Opened(next=Next.UNDER_WAY, purchase=seen)
    try:
        purchase = _commit(owner=owner, session_id=session.pk, customer=customers.customer_of(owner))
    except SessionNotActive:
        purchase = _paid_before(owner, session)
    if purchase.status == Purchase.Status.OPENING:
        purchase = ask_stripe(purchase)
    if purchase.status == Purchase.Status.OPEN:
        if not purchase.stripe_url:
            raise UnreadableAnswer("url")
        return Opened(next=Next.TO_STRIPE, purchase=purchase, url=purchase.stripe_url)
    return Opened(next=Next.PAID, purchase=purchase)


def _commit(*, owner: AbstractBaseUser, session_id: uuid.UUID, customer: str) -> Purchase:
    """Commit a purchase in `opening`, or find the one that another tab has just committed."""
    with transaction.atomic():
        lock_owner(owner.pk)
        session = sessions.lock_for_payment(session_id, at_least=timedelta(0))
        if session.owner_id != owner.pk:
            # A claim moved it while this request was under way: only its new owner may pay it.
            raise SessionNotActive(session_id)
        live = Purchase.objects.filter(checkout_session=session, status__in=LIVE).first()
        if live is not None:
            return _agreed(live)
        # Only now: renewing a session whose page is open already would make a second payable page.
        session = sessions.lock_for_payment(session_id, at_least=SHORTEST + ENDS_BEFORE_OURS)
        purchase = _new_purchase(owner, session, customer=customer, now=database_now())
        sessions.hold_for_money(session.pk, purchase.stripe_expires_at + STRAGGLERS)
    log.info("payment_opening", purchase=str(purchase.uuid), session=str(session.pk), owner=owner.pk)
    return purchase


def _agreed(live: Purchase) -> Purchase:
    """What was opened before TERMS_CONSENT was set keeps what its buyer has agreed to now."""
    terms = _terms(database_now())
    if terms and live.terms_agreed_at is None and live.status != Purchase.Status.PROCESSING:
        vars(live).update(terms)
        live.save(update_fields=list(terms))
    return live


def _terms(now: datetime) -> dict[str, Any]:
    """What a buyer who has come this far agreed to; nothing where they were not asked."""
    if not settings.TERMS_CONSENT:
        return {}
    return {
        "terms_agreed_at": now,
        "terms_url": settings.TERMS_URL,
        "terms_version": settings.TERMS_VERSION,
    }


def _paid_before(owner: AbstractBaseUser, session: CheckoutSession) -> Purchase:
    """The purchase that ended this session: whoever asks again is told the same. Else raises SessionNotActive."""
    mine = Purchase.objects.filter(owner_id=owner.pk, checkout_session=session)
    paid = mine.filter(status__in=PAID).order_by("pk").last()
    if paid is None:
        raise SessionNotActive(session.pk)
    return paid


def _new_purchase(
    owner: AbstractBaseUser, session: CheckoutSession, *, customer: str, now: datetime
) -> Purchase:
    purchase = Purchase(
        checkout_session=session,
        owner_id=owner.pk,
        opened_by_id=owner.pk,
        tier_slug=session.tier_slug,
        tier_name=session.tier_name,
        credits=session.credits,
        bonus_credits=session.bonus_credits,
        price_minor=session.price_minor,
        currency=session.currency,
        expires_after_days=session.expires_after_days,
        stripe_expires_at=min(session.expires_at - ENDS_BEFORE_OURS, now + LONGEST),
        livemode=stripe_gateway.is_live(),
        next_check_at=now + timedelta(seconds=settings.PURCHASES_FIRST_CHECK_SECONDS),
        **_terms(now),
    )
    purchase.request = _request(purchase, owner, customer=customer)
    purchase.save(force_insert=True)
    return purchase


def _request(purchase: Purchase, owner: AbstractBaseUser, *, customer: str) -> dict[str, Any]:
    """The parameters of Stripe's call."""
    metadata = signed_metadata.signed(
        {
            "purchase": purchase.uuid,
            "checkout_session": purchase.checkout_session_id,
            "owner": owner.pk,
            "owner_joined": rebuilding.joined(owner),
            "tier": purchase.tier_slug,
            "tier_name": purchase.tier_name,
            "credits": purchase.credits,
            "bonus_credits": purchase.bonus_credits,
            "price_minor": purchase.price_minor,
            "currency": purchase.currency,
            "expires_after_days": purchase.expires_after_days,
            "terms_agreed_at": purchase.terms_agreed_at and purchase.terms_agreed_at.isoformat(),
            "terms_url": purchase.terms_url,
            "terms_version": purchase.terms_version,
        }
    )
    price_data = {
        "currency": purchase.currency.lower(),
        "unit_amount": purchase.price_minor,
        "product_data": {
            "name": _product_name(purchase),
            **trade.product_params(),
        },
        **trade.price_params(),
    }
    # Stripe fills in {CHECKOUT_SESSION_ID}: the braces must arrive unescaped.
    back = f"{_address('return', purchase)}?session_id={{CHECKOUT_SESSION_ID}}"
    return {
        "mode": "payment",
        "line_items": [{"price_data": price_data, "quantity": 1}],
        "client_reference_id": str(purchase.uuid),
        "metadata": metadata,
        "payment_intent_data": {"metadata": metadata, **trade.payment_params(owner)},
        "success_url": back,
        "cancel_url": _address("cancelled", purchase),
        "expires_at": int(purchase.stripe_expires_at.timestamp()),
        **trade.session_params(owner, customer=customer),
    }


def _product_name(purchase: Purchase) -> str:
    """What Stripe's page and receipt call it, in the buyer's language."""
    credits = purchase.total_credits
    words = ngettext("%(name)s: %(credits)s credit", "%(name)s: %(credits)s credits", credits)
    return words % {"name": purchase.tier_name, "credits": number_format(credits)}


def _address(name: str, purchase: Purchase) -> str:
    return f"{settings.PUBLIC_BASE_URL}{reverse(f'purchases:{name}', args=[purchase.uuid])}"
