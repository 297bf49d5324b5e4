"""What was said to and by Stripe, as staff may read it: without what identifies the buyer, and never with a secret.

Stripe's own dashboard shows the person to whoever may see them there.
"""

import json
from typing import Any

MASK = "…"
# Members of Stripe's objects, and of what we ask, whatever is in them.
MASKED = {
    "signature",  # of our metadata: whoever has it could say what a lost purchase was
    "client_secret",
    "account_holder_name",
    "address",
    "billing_details",
    "collected_information",
    "customer_address",
    "customer_details",
    "customer_email",
    "customer_name",
    "customer_phone",
    "customer_shipping",
    "email",
    "evidence",
    "ip",
    "payer_email",
    "payer_name",
    "payment_method_details",
    "phone",
    "receipt_email",
    "shipping",
    "shipping_details",
}


def masked(value: Any) -> Any:
    """Return JSON like `value`, with a mask wherever something that has MASKED as its name says anything."""
    match value:
        case dict():
            return {
                name: MASK if name in MASKED and inner else masked(inner) for name, inner in value.items()
            }
        case list():
            return [masked(inner) for inner in value]
    return value


def as_text(value: Any) -> str:
    """The same, to be read."""
    return json.dumps(masked(value), indent=2, ensure_ascii=False)
