"""Whether Stripe was paid for what we offered. Compares only; writes nothing."""

from purchases import stripe_gateway
from purchases.models import Purchase
from purchases.stripe_gateway import StripeSession


def mismatch(purchase: Purchase, truth: StripeSession) -> str:
    """Return what differs between the frozen purchase and Stripe's session, in words with both values; else "".

    The subtotal is compared: it is before discount and tax, and stays in our currency whatever the buyer saw
    (docs.stripe.com/payments/checkout/adaptive-pricing).
    """
    subtotal = truth.amount_subtotal if truth.amount_subtotal is not None else truth.amount_total
    owner = truth.metadata.get("owner", str(purchase.opened_by_id))
    pairs = {
        "livemode": (stripe_gateway.is_live(), truth.livemode),
        "currency": (purchase.currency, truth.currency),
        "amount": (purchase.price_minor, subtotal),
        "quantity": (1, 1 if truth.quantity is None else truth.quantity),
        "owner": (str(purchase.opened_by_id), owner),
    }
    differences = [
        f"{name}: {ours} here, {theirs} at Stripe" for name, (ours, theirs) in pairs.items() if ours != theirs
    ]
    return "; ".join(differences)[:200]
