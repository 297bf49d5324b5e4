"""A claim: everything that a guest has becomes a user's, and the guest ends.

Locks both people in the order of their numbers, then checkout sessions, purchases, accounts. What arrives later (a
payment still processing, a hold let go) follows: purchases by their owner, credits by the ledger's merged_into.
"""

import structlog
from django.db import transaction

from accounts import locks
from accounts.errors import GuestEnded
from accounts.models import User
from checkout import claiming as checkout_claiming
from credits import transfers
from outbox import messages
from purchases import claiming as purchases_claiming

log = structlog.get_logger(__name__)


def claim(*, guest: User, user: User) -> None:
    """Move orders, purchases, credits, debt and waiting mails of `guest` to `user`, and end the guest, all or nothing.

    Repeatable: a repeat moves what came since, and nothing twice. Raises GuestEnded where the guest has become a
    user or was claimed by another one.
    """
    with transaction.atomic():
        people = locks.lock_people(guest.pk, user.pk)
        _end(people.get(guest.pk), people.get(user.pk), guest_id=guest.pk)
        moved = {
            "sessions": checkout_claiming.claim(guest_id=guest.pk, user_id=user.pk),
            "purchases": purchases_claiming.claim(guest_id=guest.pk, user_id=user.pk),
            "messages": messages.hand_over(guest_id=guest.pk, user_id=user.pk),
        }
        transfers.transfer(
            source=guest, target=user, scope="accounts", key=f"claim:{guest.pk}", actor="accounts:claim"
        )
    log.info("guest_claimed", guest=guest.pk, user=user.pk, **moved)


def _end(guest: User | None, user: User | None, *, guest_id: int) -> None:
    """Say whom the guest became: from then on the database lets their things move there, and only there."""
    if guest is None or user is None or user.merged_into_id is not None or guest == user:
        raise GuestEnded(guest_id)
    if not guest.is_guest or guest.merged_into_id not in (None, user.pk):
        raise GuestEnded(guest_id)
    if guest.merged_into_id is None:
        guest.merged_into, guest.is_active = user, False
        guest.save(update_fields=["merged_into", "is_active"])
