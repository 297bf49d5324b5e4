"""A purchase whose row is gone (a restored backup) is rebuilt from the metadata that we signed at Stripe.

What was paid in the name of a purchase of ours, and cannot be that purchase's payment, is shown to the operators.
"""

import uuid
from datetime import timedelta

import structlog
from django.contrib.auth import get_user_model
from django.db import IntegrityError, transaction

from checkout.locks import database_now
from checkout.models import CheckoutSession
from purchases import alerts, signed_metadata
from purchases.models import Purchase
from purchases.signed_metadata import Snapshot
from purchases.stripe_gateway import StripeSession

log = structlog.get_logger(__name__)


def rebuild(truth: StripeSession) -> Purchase | None:
    """Store the purchase that Stripe's metadata describes and return it.

    Only where the signature is ours; without a person to own it where the id is unknown or now somebody else's.
    None for a session that we never signed: it is another program's, or a forgery.
    """
    snapshot = signed_metadata.snapshot(truth.metadata)
    if snapshot is None:
        _tell_of_unsigned(truth)
        return None
    fields = _fields(snapshot, truth)
    purchase = _create(fields) or Purchase.objects.filter(uuid=snapshot.purchase).first()
    if purchase is None:
        # Another payment is under way for the same checkout session: this one stands beside it.
        purchase = _create({**fields, "checkout_session": None})
    if purchase is None:
        return Purchase.objects.get(uuid=snapshot.purchase)
    log.error("purchase_rebuilt", purchase=str(purchase.uuid), stripe_session=truth.id)
    return purchase


def second(truth: StripeSession) -> Purchase | None:
    """Return a purchase for a session that names one of ours which another session paid for: it goes to review.

    None where it is not paid, or where we never signed what it says: who would own it is not known then.
    """
    if not truth.is_paid:
        return None
    snapshot = signed_metadata.snapshot(truth.metadata)
    if snapshot is None:
        _tell_of_unsigned(truth)
        return None
    beside = {"uuid": uuid.uuid4(), "checkout_session": None, "stripe_session_id": truth.id}
    return _create({**_fields(snapshot, truth), **beside}) or Purchase.objects.get(stripe_session_id=truth.id)


def _tell_of_unsigned(truth: StripeSession) -> None:
    log.error("purchase_gone_and_unsigned", stripe_session=truth.id, is_paid=truth.is_paid)
    if truth.is_paid:
        alerts.tell_staff("unsigned", key=truth.id, context={"stripe_session": truth.id})


def _create(fields: dict[str, object]) -> Purchase | None:
    try:
        with transaction.atomic():
            return Purchase.objects.create(**fields)
    except IntegrityError:
        return None


def _fields(snapshot: Snapshot, truth: StripeSession) -> dict[str, object]:
    now = database_now()
    owner_id = _owner_id(snapshot)
    return {
        "uuid": snapshot.purchase,
        "checkout_session": CheckoutSession.objects.filter(
            pk=snapshot.checkout_session, owner_id__in=[snapshot.owner_id, owner_id]
        ).first(),
        "owner_id": owner_id,
        "opened_by_id": snapshot.owner_id,
        "tier_slug": snapshot.tier_slug,
        "tier_name": snapshot.tier_name,
        "credits": snapshot.credits,
        "bonus_credits": snapshot.bonus_credits,
        "price_minor": snapshot.price_minor,
        "currency": snapshot.currency,
        "expires_after_days": snapshot.expires_after_days,
        "terms_agreed_at": snapshot.terms_agreed_at,
        "terms_url": snapshot.terms_url,
        "terms_version": snapshot.terms_version,
        "request": {},
        "stripe_expires_at": truth.expires_at or now,
        "status": Purchase.Status.OPENING,
        "next_check_at": now + timedelta(minutes=1),
    }


def _owner_id(snapshot: Snapshot) -> int | None:
    """The person, recognised by id and the microsecond of joining: a restored sequence hands ids out again.

    Where a claim has ended that person since, the one who has their things now.
    """
    users = get_user_model()._default_manager
    user = users.filter(pk=snapshot.owner_id).first()
    if user is None or joined(user) != snapshot.owner_joined:
        return None
    owner_id, heir_id = user.pk, user.merged_into_id
    while heir_id is not None:
        owner_id, heir_id = heir_id, users.values_list("merged_into", flat=True).get(pk=heir_id)
    return int(owner_id)


def joined(user: object) -> str:
    """A person's moment of joining, as it stands in the metadata."""
    return user.date_joined.isoformat()  # type: ignore[attr-defined,no-any-return]
