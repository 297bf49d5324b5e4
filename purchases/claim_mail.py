"""The mail with a claim link, to the address that a guest named at Stripe. No page shows or confirms that address."""

from checkout.locks import database_now
from outbox import messages
from purchases.models import Purchase

TOPIC = "accounts.claim"
WITH_MONEY = (Purchase.Status.CREDITED, Purchase.Status.PROCESSING, Purchase.Status.REVIEW)
MOST_GUESTS = 10


def mail_link(purchase: Purchase) -> bool:
    """Write to the guest who paid for `purchase`, at most once an hour; False where there is nothing to write."""
    owner = purchase.owner
    if owner is None or not owner.is_guest or not purchase.buyer_email or purchase.status not in WITH_MONEY:
        return False
    return messages.post(
        topic=TOPIC,
        key=f"{TOPIC}:{purchase.uuid}:{database_now():%Y%m%d%H}",
        user_id=owner.pk,
        fallback_address=purchase.buyer_email,
        context={
            "purchase": str(purchase.uuid),
            "tier_name": purchase.tier_name,
            "reference": purchase.reference,
        },
    )


def mail_links(address: str) -> int:
    """Write to every guest who paid with this address and return how many mails that were."""
    newest = (
        Purchase.objects.filter(buyer_email=address.lower(), status__in=WITH_MONEY)
        .filter(owner__is_guest=True, owner__is_active=True)
        .select_related("owner")
        .order_by("owner_id", "-pk")
        .distinct("owner_id")[:MOST_GUESTS]
    )
    return sum(mail_link(purchase) for purchase in newest)


def address_given_by(owner_id: int) -> str:
    """The address that this person named at Stripe last; "" where none. For their own eyes."""
    mine = Purchase.objects.filter(owner_id=owner_id).exclude(buyer_email="")
    return mine.order_by("-pk").values_list("buyer_email", flat=True).first() or ""
