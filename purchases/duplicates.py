"""Two payments for one wish: both are credited, and both are flagged for the operator."""

from django.db.models.expressions import RawSQL

from purchases.models import Purchase


def flag_others(purchase: Purchase) -> RawSQL:
    """Flag the credited purchases of the same wish, and say whether there are any: for the write that credits."""
    values = (purchase.checkout_session_id, purchase.owner_id, purchase.pk)
    return RawSQL("purchases_flag_others(%s, %s, %s)", values)
