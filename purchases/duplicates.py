"""Two payments for one wish: both are credited, and both are flagged for the operator."""

from django.db import connection

from purchases.models import Purchase


def flag_others(purchase: Purchase) -> bool:
    """Flag the credited purchases of the same wish and return whether there are any."""
    with connection.cursor() as cursor:
        cursor.execute(_FLAG, [purchase.checkout_session_id, purchase.owner_id, purchase.pk])
        return bool(cursor.rowcount)


# One wish of one person: the sessions that were renewed or recovered from one another.
_FLAG = """
with recursive wish as (
  select id, renewed_from_id, recovered_from_id from checkout_checkoutsession where id = %s
  union
  select near.id, near.renewed_from_id, near.recovered_from_id
  from wish join checkout_checkoutsession as near
    on near.id in (wish.renewed_from_id, wish.recovered_from_id)
    or wish.id in (near.renewed_from_id, near.recovered_from_id)
)
update purchases_purchase set is_duplicate = true
where checkout_session_id in (select id from wish) and owner_id = %s and status = 'credited' and id <> %s
"""
