"""What a guest was about to buy becomes a user's. A part of accounts.claims, which holds the locks on both people."""

from django.db import connection

from checkout import locks
from checkout.ending import end
from checkout.models import CheckoutSession


def claim(*, guest_id: int, user_id: int) -> int:
    """Move every session of the guest to the user and return how many; of two active ones the newer survives.

    A repeat moves what came since.
    """
    assert connection.in_atomic_block, "claim() belongs to the transaction that moves everything"
    sessions = locks.lock_sessions_to_claim(guest_id=guest_id, user_id=user_id)
    active = sorted((one for one in sessions if one.is_active), key=lambda one: one.created_at)
    for older in active[:-1]:
        end(older, CheckoutSession.Status.INVALIDATED, CheckoutSession.EndReason.CLAIMED)
    return CheckoutSession.objects.filter(owner_id=guest_id).update(owner_id=user_id)
