"""Whether Stripe was paid for what we offered. Compares only; writes nothing."""

from dataclasses import dataclass

from purchases import stripe_gateway
from purchases.models import Purchase
from purchases.stripe_gateway import StripeSession


@dataclass(frozen=True, kw_only=True)
class Compared:
    """One thing that must be the same on both sides."""

    name: str
    here: object
    at_stripe: object

    @property
    def is_same(self) -> bool:
        return self.here == self.at_stripe


def compared(purchase: Purchase, truth: StripeSession) -> list[Compared]:
    """Put what we offered beside what Stripe says.

    The subtotal is before discount and tax, and stays in our currency whatever the buyer saw
    (docs.stripe.com/payments/checkout/adaptive-pricing). The total must follow from it.
    """
    subtotal = truth.amount_subtotal if truth.amount_subtotal is not None else truth.amount_total
    owner = truth.metadata.get("owner", str(purchase.opened_by_id))
    named = truth.metadata.get("purchase", str(purchase.uuid))
    quantity = 1 if truth.quantity is None else truth.quantity
    return [
        Compared(name="livemode", here=stripe_gateway.is_live(), at_stripe=truth.livemode),
        Compared(name="currency", here=purchase.currency, at_stripe=truth.currency),
        Compared(name="amount", here=purchase.price_minor, at_stripe=subtotal),
        Compared(name="total", here=_total(truth, subtotal), at_stripe=truth.amount_total),
        Compared(name="quantity", here=1, at_stripe=quantity),
        Compared(name="owner", here=str(purchase.opened_by_id), at_stripe=owner),
        Compared(name="purchase", here=str(purchase.uuid), at_stripe=named),
    ]


def _total(truth: StripeSession, subtotal: int | None) -> int | None:
    """What the total must be: less the discount, with the tax on top unless the price included it."""
    if truth.amount_total is None or subtotal is None or truth.payment_status == "no_payment_required":
        return truth.amount_total
    tax_included = subtotal - (truth.amount_discount or 0)
    tax_on_top = tax_included + (truth.amount_tax or 0)
    return truth.amount_total if truth.amount_total == tax_included else tax_on_top


def mismatch(purchase: Purchase, truth: StripeSession) -> str:
    """Return what differs between the frozen purchase and Stripe's session, in words with both values; else ""."""
    differences = [
        f"{pair.name}: {pair.here} here, {pair.at_stripe} at Stripe"
        for pair in compared(purchase, truth)
        if not pair.is_same
    ]
    return "; ".join(differences)[:200]
