"""`{% claim_path purchase as path %}`: the link of a claim mail is made when the mail is sent, and stored nowhere."""

from django import template
from django.urls import reverse

from accounts.claim_links import token_for
from purchases.models import Purchase

register = template.Library()


@register.simple_tag
def claim_path(purchase_uuid: str) -> str:
    """The path that opens what the owner of this purchase has; to asking anew where nobody owns it any more."""
    purchase = (
        Purchase.objects.filter(uuid=purchase_uuid, owner__isnull=False).select_related("owner").first()
    )
    return (
        reverse("accounts:claim_link", args=[token_for(purchase)]) if purchase else reverse("accounts:claim")
    )
