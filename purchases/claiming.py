"""What a guest has bought becomes a user's. A part of accounts.claims, which holds the locks on both people."""

from django.db import connection

from purchases.locks import lock_purchases_of
from purchases.models import Purchase


def claim(*, guest_id: int, user_id: int) -> int:
    """Move every purchase of the guest to the user, whatever its state, and return how many.

    `opened_by_id` stays: it is what Stripe's metadata is compared with. A repeat moves what came since.
    """
    assert connection.in_atomic_block, "claim() belongs to the transaction that moves everything"
    purchases = lock_purchases_of(guest_id)
    return Purchase.objects.filter(pk__in=purchases).update(owner_id=user_id)
