"""The link in a claim mail: signed, good for seven days and for once. It rescues a guest whose browser lost its cookie.

Following it proves the mailbox that the buyer named at Stripe, so it opens what that guest has and nothing else.
"""

from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

import structlog
from django.contrib.auth.models import AnonymousUser
from django.core import signing
from django.db import transaction
from django.utils import timezone

from accounts import claims, locks
from accounts.errors import ClaimLinkDead, GuestEnded
from accounts.models import User
from purchases.models import Purchase

log = structlog.get_logger(__name__)

SALT = "accounts.claim_links"
LIFETIME = timedelta(days=7)


@dataclass(frozen=True, kw_only=True)
class Redeemed:
    """Who has the purchase now, and the mailbox that the link proved."""

    user: User
    purchase: Purchase
    address: str


def token_for(purchase: Purchase) -> str:
    """Return the token of a link to the guest who owns `purchase`; it dies when that guest signs in by any link."""
    return signing.dumps([str(purchase.uuid), _stamp(_owner_of(purchase))], salt=SALT)


def purchase_behind(token: str) -> Purchase:
    """Return the purchase whose guest the link opens. Changes nothing. Raises ClaimLinkDead."""
    try:
        uuid, stamp = signing.loads(token, salt=SALT, max_age=LIFETIME)
    except (signing.BadSignature, ValueError) as error:
        raise ClaimLinkDead from error
    purchase = Purchase.objects.filter(uuid=uuid, owner__isnull=False).select_related("owner").first()
    if purchase is None or not _is_good(_owner_of(purchase), stamp):
        raise ClaimLinkDead
    return purchase


def redeem(*, token: str, visitor: User | AnonymousUser) -> Redeemed:
    """Spend the link. A member gets the guest's things; anybody else is to be signed in as that guest.

    What another guest in this browser had comes along. Raises ClaimLinkDead, for the second of two at once too.
    """
    guest_id = _owner_of(purchase_behind(token)).pk
    with transaction.atomic():
        people = locks.lock_people(*{guest_id, visitor.pk or guest_id})
        # Read anew under the lock: of two clicks the second finds another stamp.
        purchase = purchase_behind(token)
        guest = people[guest_id]
        guest.last_login = timezone.now()
        guest.save(update_fields=["last_login"])
        user = _join(guest, people.get(visitor.pk or 0))
        _prove(user, purchase.buyer_email)
    log.info("claim_link_redeemed", guest=guest.pk, user=user.pk)
    return Redeemed(user=user, purchase=purchase, address=purchase.buyer_email)


def _join(guest: User, visitor: User | None) -> User:
    """Make one of the two who meet in this browser; return the one who goes on."""
    if visitor is None or visitor == guest:
        return guest
    if visitor.is_guest:
        with suppress(GuestEnded):
            claims.claim(guest=visitor, user=guest)
        return guest
    claims.claim(guest=guest, user=visitor)
    return visitor


def _prove(user: User, address: str) -> None:
    if user.email == address and user.email_verified_at is None:
        user.email_verified_at = timezone.now()
        user.save(update_fields=["email_verified_at"])


def _owner_of(purchase: Purchase) -> User:
    assert purchase.owner is not None, "only what somebody owns can be claimed"
    return purchase.owner


def _is_good(guest: User, stamp: str) -> bool:
    return guest.is_guest and guest.is_active and stamp == _stamp(guest)


def _stamp(guest: User) -> str:
    """What changes whenever somebody signs in as this guest."""
    return guest.last_login.isoformat() if guest.last_login else ""
