"""A checkout session as Stripe shows it, with every field that a payment session carries."""

from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.cards import DEBIT_TYPES
from sandbox.store import Json

_MESSAGES = ("after_submit", "shipping_address", "submit", "terms_of_service_acceptance")


# Fields that no session of this sandbox ever fills.
_NEVER_FILLED = (
    "after_expiration",
    "client_secret",
    "consent",
    "consent_collection",
    "currency_conversion",
    "customer_account",
    "integration_identifier",
    "payment_link",
    "payment_method_configuration_details",
    "permissions",
    "recovered_from",
    "saved_payment_method_options",
    "setup_intent",
    "shipping_address_collection",
    "shipping_cost",
    "subscription",
    "wallet_options",
)

# Fields that show the parameter of the same name, or null.
_AS_ASKED = (
    "allow_promotion_codes",
    "allowed_payment_method_types",
    "billing_address_collection",
    "cancel_url",
    "client_reference_id",
    "customer",
    "customer_email",
    "locale",
    "origin_context",
    "submit_type",
    "success_url",
)


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
    fields: Json = dict.fromkeys(_NEVER_FILLED) | {name: params.get(name) for name in _AS_ASKED}
    fields |= _by_default(params) | _settings(params) | totals
    fields |= {
        "collected_information": None,
        "created": created,
        "currency": currency,
        "customer_details": None,
        "discounts": discounts,
        "expires_at": expires_at,
        "invoice": None,
        "livemode": False,
        "payment_intent": None,
        "payment_method_types": method_types(
            currency,
            allowed=params.get("allowed_payment_method_types"),
            excluded=params.get("excluded_payment_method_types", ()),
        ),
        "payment_status": "unpaid" if totals["amount_total"] else "no_payment_required",
        "status": "open",
        "url": url,
    }
    return {"id": id, "object": "checkout.session"} | dict(sorted(fields.items()))


def _by_default(params: Mapping[str, Any]) -> Json:
    return {
        "customer_creation": None if "customer" in params else params.get("customer_creation", "if_required"),
        "metadata": params.get("metadata", {}),
        "mode": params["mode"],
        "payment_method_collection": params.get("payment_method_collection", "if_required"),
        "ui_mode": params.get("ui_mode", "hosted_page"),
    }


def _settings(params: Mapping[str, Any]) -> Json:
    """The fields that are objects of their own."""
    tax = params.get("automatic_tax", {}).get("enabled", False)
    phone = params.get("phone_number_collection", {}).get("enabled", False)
    return {
        "adaptive_pricing": {"enabled": params.get("adaptive_pricing", {}).get("enabled", True)},
        "automatic_tax": {
            "enabled": tax,
            "liability": {"type": "self"} if tax else None,
            "provider": "stripe" if tax else None,
            "status": "requires_location_inputs" if tax else None,
        },
        "custom_fields": [],
        "custom_text": {name: params.get("custom_text", {}).get(name) for name in _MESSAGES},
        "invoice_creation": _invoice_creation(params.get("invoice_creation", {})),
        "managed_payments": {"enabled": False},
        "payment_method_options": {"card": {"request_three_d_secure": "automatic"}},
        "phone_number_collection": {"enabled": phone},
        "shipping_options": [],
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
