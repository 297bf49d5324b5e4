"""What the settings of the trade add to the call that opens a payment.

Where Stripe's default is a switch of its dashboard, off is said out loud: a click there must not change our prices.
"""

from typing import Any

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.utils.translation import get_language


def session_params(owner: AbstractBaseUser, *, customer: str) -> dict[str, Any]:
    """The parameters beside what is sold. `customer` is the buyer's id at Stripe, or empty."""
    params: dict[str, Any] = {
        "adaptive_pricing": {"enabled": settings.STRIPE_ADAPTIVE_PRICING},
        "automatic_tax": {"enabled": settings.STRIPE_AUTOMATIC_TAX},
        "allow_promotion_codes": settings.STRIPE_PROMOTION_CODES,
    }
    if settings.STRIPE_INVOICES:
        params["invoice_creation"] = {"enabled": True}
    if settings.STRIPE_LOCALE == "page":
        params["locale"] = get_language() or "auto"
    elif settings.STRIPE_LOCALE != "auto":
        params["locale"] = settings.STRIPE_LOCALE
    email = address_of(owner)
    if customer:
        params["customer"] = customer
        if settings.STRIPE_AUTOMATIC_TAX:
            # Stripe refuses to reckon tax for a customer whose address it may not keep.
            params["customer_update"] = {"address": "auto"}
    elif settings.STRIPE_PREFILL_EMAIL and email:
        params["customer_email"] = email
    return params


def price_params() -> dict[str, Any]:
    """What the price says about tax: nothing where tax is not reckoned."""
    return {"tax_behavior": settings.STRIPE_TAX_BEHAVIOR} if settings.STRIPE_AUTOMATIC_TAX else {}


def product_params() -> dict[str, Any]:
    """What is sold, in Stripe's codes for tax."""
    return {"tax_code": settings.STRIPE_TAX_CODE} if settings.STRIPE_TAX_CODE else {}


def payment_params(owner: AbstractBaseUser) -> dict[str, Any]:
    """What the payment itself carries: the receipt's address and the end of the line on the bank statement."""
    params: dict[str, Any] = {}
    email = address_of(owner)
    if settings.STRIPE_RECEIPTS and email:
        params["receipt_email"] = email
    if settings.STRIPE_STATEMENT_SUFFIX:
        params["statement_descriptor_suffix"] = settings.STRIPE_STATEMENT_SUFFIX
    return params


def address_of(owner: AbstractBaseUser) -> str:
    """The buyer's e-mail; empty for a guest, who has none."""
    return str(getattr(owner, "email", None) or "")
