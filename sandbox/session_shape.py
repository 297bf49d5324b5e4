"""A checkout session as Stripe shows it, with every field that a payment session carries."""

from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.cards import DEBIT_TYPES
from sandbox.store import Json

_MESSAGES = ("after_submit", "shipping_address", "submit", "terms_of_service_acceptance")


def new_session(
    params: Mapping[str, Any],
    *,
    id: str,
    url: str,
    currency: str,
    totals: Json,
    discounts: list[Json],
    created: int,
    expires_at: int,
) -> Json:
    """What Stripe leaves out until it means something (line_items, presentment_details) is left out."""
    tax = params.get("automatic_tax", {}).get("enabled", False)
    phone = params.get("phone_number_collection", {}).get("enabled", False)
    return {
        "id": id,
        "object": "checkout.session",
        "adaptive_pricing": {"enabled": params.get("adaptive_pricing", {}).get("enabled", True)},
        "after_expiration": None,
        "allow_promotion_codes": params.get("allow_promotion_codes"),
        "allowed_payment_method_types": params.get("allowed_payment_method_types"),
        "amount_subtotal": totals["amount_subtotal"],
        "amount_total": totals["amount_total"],
        "automatic_tax": {
            "enabled": tax,
            "liability": {"type": "self"} if tax else None,
            "provider": "stripe" if tax else None,
            "status": "requires_location_inputs" if tax else None,
        },
        "billing_address_collection": params.get("billing_address_collection"),
        "cancel_url": params.get("cancel_url"),
        "client_reference_id": params.get("client_reference_id"),
        "client_secret": None,
        "collected_information": None,
        "consent": None,
        "consent_collection": None,
        "created": created,
        "currency": currency,
        "currency_conversion": None,
        "custom_fields": [],
        "custom_text": {name: params.get("custom_text", {}).get(name) for name in _MESSAGES},
        "customer": params.get("customer"),
        "customer_account": None,
        "customer_creation": None if "customer" in params else params.get("customer_creation", "if_required"),
        "customer_details": None,
        "customer_email": params.get("customer_email"),
        "discounts": discounts,
        "expires_at": expires_at,
        "integration_identifier": None,
        "invoice": None,
        "invoice_creation": _invoice_creation(params.get("invoice_creation", {})),
        "livemode": False,
        "locale": params.get("locale"),
        "managed_payments": {"enabled": False},
        "metadata": params.get("metadata", {}),
        "mode": params["mode"],
        "origin_context": params.get("origin_context"),
        "payment_intent": None,
        "payment_link": None,
        "payment_method_collection": params.get("payment_method_collection", "if_required"),
        "payment_method_configuration_details": None,
        "payment_method_options": {"card": {"request_three_d_secure": "automatic"}},
        "payment_method_types": method_types(
            currency,
            allowed=params.get("allowed_payment_method_types"),
            excluded=params.get("excluded_payment_method_types", ()),
        ),
        "payment_status": "unpaid" if totals["amount_total"] else "no_payment_required",
        "permissions": None,
        "phone_number_collection": {"enabled": phone},
        "recovered_from": None,
        "saved_payment_method_options": None,
        "setup_intent": None,
        "shipping_address_collection": None,
        "shipping_cost": None,
        "shipping_options": [],
        "status": "open",
        "submit_type": params.get("submit_type"),
        "subscription": None,
        "success_url": params.get("success_url"),
        "total_details": totals["total_details"],
        "ui_mode": params.get("ui_mode", "hosted_page"),
        "url": url,
        "wallet_options": None,
    }


def method_types(currency: str, *, allowed: Sequence[str] | None, excluded: Sequence[str]) -> list[str]:
    """Cards, and the bank debit of the currency where there is one."""
    offered = ["card"] + ([DEBIT_TYPES[currency]] if currency in DEBIT_TYPES else [])
    return [name for name in offered if (allowed is None or name in allowed) and name not in excluded]


def customer_details(*, email: str | None, name: str | None) -> Json:
    return {
        "address": {
            "city": None,
            "country": "US",
            "line1": None,
            "line2": None,
            "postal_code": None,
            "state": None,
        },
        "business_name": None,
        "email": email,
        "individual_name": None,
        "name": name,
        "phone": None,
        "tax_exempt": "none",
        "tax_ids": [],
    }


def _invoice_creation(asked: Mapping[str, Any]) -> Json:
    data = asked.get("invoice_data", {})
    return {
        "enabled": asked.get("enabled", False),
        "invoice_data": {
            "account_tax_ids": None,
            "custom_fields": None,
            "description": data.get("description"),
            "footer": data.get("footer"),
            "issuer": None,
            "metadata": data.get("metadata", {}),
            "rendering_options": None,
        },
    }
