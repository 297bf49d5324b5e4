"""The only place that speaks to Stripe. Stripe's objects end here: frozen dataclasses go on.

Nothing here may run inside a transaction or under a lock. Import names from here, not from the modules inside.
"""

from purchases.stripe_gateway.client import is_live, patience
from purchases.stripe_gateway.endpoints import Endpoint, our_api_version, webhook_endpoints
from purchases.stripe_gateway.lists import Return, events_since, returns_created, sessions_created
from purchases.stripe_gateway.returns import (
    Returns,
    StripeDispute,
    StripeRefund,
    StripeWarning,
    create_refund,
    payment_intent_of_charge,
    returns_of,
)
from purchases.stripe_gateway.sessions import (
    StripeSession,
    create_customer,
    create_session,
    expire_session,
    retrieve_session,
    sessions_of_payment_intent,
)
from purchases.stripe_gateway.signatures import verify_signature

__all__ = [
    "Endpoint",
    "Return",
    "Returns",
    "StripeDispute",
    "StripeRefund",
    "StripeSession",
    "StripeWarning",
    "create_customer",
    "create_refund",
    "create_session",
    "events_since",
    "expire_session",
    "is_live",
    "our_api_version",
    "patience",
    "payment_intent_of_charge",
    "retrieve_session",
    "returns_created",
    "returns_of",
    "sessions_created",
    "sessions_of_payment_intent",
    "verify_signature",
    "webhook_endpoints",
]
