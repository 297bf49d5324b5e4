"""Payment intents, charges and balance transactions as Stripe shows them."""

from collections.abc import Mapping
from typing import Any

from sandbox.cards import Card
from sandbox.identifiers import charge_id, intent_id, new_id
from sandbox.store import Json


def new_intent(session: Json, asked: Mapping[str, Any], *, created: int) -> Json:
    """Before any attempt; `asked` is the session's payment_intent_data."""
    identifier = intent_id()
    return {
        "id": identifier,
        "object": "payment_intent",
        "allowed_payment_method_types": None,
        "amount": session["amount_total"],
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": 0,
        "application": None,
        "application_fee_amount": None,
        "automatic_payment_methods": None,
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": asked.get("capture_method", "automatic_async"),
        "client_secret": f"{identifier}_secret_{new_id('', 25)}",
        "confirmation_method": "automatic",
        "created": created,
        "currency": session["currency"],
        "customer": session["customer"],
        "customer_account": None,
        "description": asked.get("description"),
        "excluded_payment_method_types": None,
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": False,
        "metadata": asked.get("metadata", {}),
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": None,
        "payment_method_configuration_details": None,
        "payment_method_options": {"card": {"request_three_d_secure": "automatic"}},
        "payment_method_types": session["payment_method_types"],
        "processing": None,
        "receipt_email": asked.get("receipt_email"),
        "review": None,
        "setup_future_usage": asked.get("setup_future_usage"),
        "shipping": None,
        "source": None,
        "statement_descriptor": asked.get("statement_descriptor"),
        "statement_descriptor_suffix": asked.get("statement_descriptor_suffix"),
        "status": "requires_payment_method",
        "transfer_data": None,
        "transfer_group": None,
    }


# Fields that no charge of this sandbox ever fills.
_NEVER_FILLED = (
    "application",
    "application_fee",
    "application_fee_amount",
    "failure_balance_transaction",
    "on_behalf_of",
    "receipt_number",
    "review",
    "shipping",
    "source",
    "source_transfer",
    "transfer_data",
    "transfer_group",
)

_FROM_THE_INTENT = (
    "amount",
    "currency",
    "customer",
    "description",
    "metadata",
    "payment_method",
    "receipt_email",
    "statement_descriptor",
    "statement_descriptor_suffix",
)


def new_charge(
    intent: Json, *, created: int, status: str, buyer: Json, method: Json, outcome: Json, receipts: str
) -> Json:
    """`status`: succeeded, pending or failed. `receipts`: where receipts are shown."""
    made = status != "failed"
    identifier = charge_id()
    fields: Json = dict.fromkeys(_NEVER_FILLED) | {name: intent[name] for name in _FROM_THE_INTENT}
    fields |= {
        "amount_captured": intent["amount"] if made else 0,
        "amount_refunded": 0,
        "balance_transaction": None,
        "billing_details": {
            "address": buyer["address"],
            "email": buyer["email"],
            "name": buyer["name"],
            "phone": None,
            "tax_id": None,
        },
        "calculated_statement_descriptor": intent["statement_descriptor"] or "SANDBOX",
        "captured": made,
        "created": created,
        "disputed": False,
        "failure_code": None,
        "failure_message": None,
        "fraud_details": {},
        "livemode": False,
        "outcome": outcome,
        "paid": status == "succeeded",
        "payment_intent": intent["id"],
        "payment_method_details": method,
        "radar_options": {},
        "receipt_url": f"{receipts}/{identifier}" if status == "succeeded" else None,
        "refunded": False,
        "status": status,
    }
    return {"id": identifier, "object": "charge"} | dict(sorted(fields.items()))


def card_method(card: Card, amount: int, *, authenticated: bool) -> Json:
    secure = {"authentication_flow": "challenge", "result": "authenticated", "version": "2.2.0"}
    return {
        "type": "card",
        "card": {
            "amount_authorized": amount,
            "authorization_code": None,
            "brand": card.brand,
            "checks": {
                "address_line1_check": None,
                "address_postal_code_check": None,
                "cvc_check": "fail" if card.error_code == "incorrect_cvc" else "pass",
            },
            "country": "US",
            "exp_month": 12,
            "exp_year": 2034,
            "extended_authorization": {"status": "disabled"},
            "fingerprint": "sandbox" + card.number[-8:],
            "funding": "credit",
            "incremental_authorization": {"status": "unavailable"},
            "installments": None,
            "last4": card.number[-4:],
            "mandate": None,
            "multicapture": {"status": "unavailable"},
            "network": card.brand,
            "network_token": {"used": False},
            "network_transaction_id": new_id("", 15),
            "overcapture": {"maximum_amount_capturable": amount, "status": "unavailable"},
            "regulated_status": "unregulated",
            "three_d_secure": secure if authenticated else None,
            "wallet": None,
        },
    }


def debit_method(type: str, account: str) -> Json:
    return {
        "type": type,
        type: {"fingerprint": "sandbox" + account[-8:], "last4": account[-4:], "mandate": None},
    }


def went_well() -> Json:
    return {
        "advice_code": None,
        "network_advice_code": None,
        "network_decline_code": None,
        "network_status": "approved_by_network",
        "reason": None,
        "risk_level": "normal",
        "risk_score": 12,
        "seller_message": "Payment complete.",
        "type": "authorized",
    }


def went_wrong(reason: str) -> Json:
    return went_well() | {
        "network_status": "declined_by_network",
        "reason": reason,
        "seller_message": "The bank did not approve the payment.",
        "type": "issuer_declined",
    }


def new_balance_transaction(
    *, amount: int, fee: int, currency: str, source: str, type: str, created: int
) -> Json:
    categories = {"payment": "charge", "adjustment": "dispute"}
    return {
        "id": new_id("txn_3", 23),
        "object": "balance_transaction",
        "amount": amount,
        "available_on": created + 2 * 86400,
        "balance_type": "payments",
        "created": created,
        "currency": currency,
        "description": None,
        "exchange_rate": None,
        "fee": fee,
        "fee_details": [
            {
                "amount": fee,
                "application": None,
                "currency": currency,
                "description": "Fees",
                "type": "stripe_fee",
            }
        ]
        if fee
        else [],
        "net": amount - fee,
        "reporting_category": categories.get(type, type),
        "source": source,
        "status": "pending",
        "type": type,
    }
