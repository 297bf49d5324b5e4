"""Telling the operators: a mail to each of the staff that may look at purchases."""

from typing import Any

from django.contrib.auth import get_user_model

from outbox import messages
from purchases.models import Purchase


def tell_staff(topic: str, *, key: str, context: dict[str, Any]) -> int:
    """Leave the mail `staff.TOPIC` for every active member of staff who may see purchases, once for a `key`.

    Returns how many were written to. Carries no personal data.
    """
    staff = get_user_model()._default_manager.filter(is_staff=True, is_active=True)
    readers = [person for person in staff if person.has_perm("purchases.view_purchase")]
    for person in readers:
        messages.post(
            topic=f"staff.{topic}", key=f"staff.{topic}:{key}:{person.pk}", user_id=person.pk, context=context
        )
    return len(readers)


def about(purchase: Purchase) -> dict[str, Any]:
    """What a mail to the staff says of a purchase."""
    return {
        "reference": purchase.reference,
        "purchase": str(purchase.uuid),
        "path": f"/admin/purchases/purchase/{purchase.pk}/",
    }
