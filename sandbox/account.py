"""The account itself and its one webhook endpoint, as far as a health page asks about them."""

from collections.abc import Mapping
from typing import Any

from sandbox.errors import missing_object
from sandbox.listing import slice_of
from sandbox.store import Json
from sandbox.world import World

ACCOUNT_ID = "acct_1SandboxSandbox0"
ENDPOINT_ID = "we_1SandboxSandboxSandbox00"
_CREATED = 1_700_000_000


def current(world: World) -> Json:
    return {
        "id": ACCOUNT_ID,
        "object": "account",
        "business_profile": {"name": "Sandbox shop", "url": world.options.public_url},
        "business_type": "company",
        "capabilities": {"card_payments": "active", "transfers": "active"},
        "charges_enabled": True,
        "country": "US",
        "created": _CREATED,
        "default_currency": "usd",
        "details_submitted": True,
        "email": "shop@example.com",
        "metadata": {},
        "payouts_enabled": True,
        "type": "standard",
    }


def webhook_endpoints(world: World, params: Mapping[str, Any]) -> Json:
    known = [_endpoint(world)] if world.endpoint.url else []
    return slice_of(known, params, url="/v1/webhook_endpoints")


def webhook_endpoint(world: World, identifier: str) -> Json:
    if identifier != ENDPOINT_ID or not world.endpoint.url:
        raise missing_object("webhook endpoint", identifier)
    return _endpoint(world)


def _endpoint(world: World) -> Json:
    return {
        "id": ENDPOINT_ID,
        "object": "webhook_endpoint",
        "api_version": world.endpoint.api_version,
        "application": None,
        "created": _CREATED,
        "description": None,
        "enabled_events": list(world.endpoint.enabled_events),
        "livemode": False,
        "metadata": {},
        "status": "enabled",
        "url": world.endpoint.url,
    }
