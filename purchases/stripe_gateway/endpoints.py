"""Where Stripe sends its events, as Stripe tells it."""

from dataclasses import dataclass
from typing import Any

import stripe

from purchases.storable import cleaned
from purchases.stripe_gateway import client as stripe_client
from purchases.stripe_gateway import reading
from purchases.stripe_gateway.client import stripe_errors


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """A webhook endpoint. `api_version` is empty where it follows the account's default."""

    url: str
    status: str
    api_version: str
    events: frozenset[str]


def webhook_endpoints() -> list[Endpoint]:
    """All of them, with one hurried try. A restricted key may not see them: StripeUnavailable or StripeRefused."""
    params: Any = {"limit": 100}
    with stripe_errors():
        return [
            Endpoint(
                url=reading.address(found, "url"),
                status=reading.text(found, "status"),
                api_version=reading.text(found, "api_version"),
                events=frozenset(cleaned(name) for name in reading.field(found, "enabled_events") or ()),
            )
            for found in stripe_client.client(is_hurried=True).v1.webhook_endpoints.list(params).data
        ]


def our_api_version() -> str:
    """The version that our client speaks."""
    return str(stripe.api_version)
