"""The calls of the API: method, path, accepted parameters and what does the work."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from sandbox import accepted, account, catalog, checkout_sessions, disputes, events, refunds
from sandbox.errors import Refusal, missing_object
from sandbox.listing import page_of
from sandbox.parameters import Accepted
from sandbox.store import Json
from sandbox.world import World

Params: TypeAlias = "Mapping[str, Any]"
Act: TypeAlias = "Callable[[World, str, Params], Json]"


@dataclass(frozen=True, kw_only=True)
class Call:
    """`act` gets the id in the path, or an empty text where there is none."""

    method: str
    path: str
    accepted: Accepted
    act: Act
    required: tuple[str, ...] = ()

    def id_in(self, path: str) -> str | None:
        match = re.fullmatch(self.path.replace("ID", "([^/]+)"), path)
        return None if match is None else (match.groups() or ("",))[0]


def find_call(method: str, path: str) -> tuple[Call, str]:
    for call in CALLS:
        if call.method == method:
            identifier = call.id_in(path)
            if identifier is not None:
                return call, identifier
    raise Refusal(
        f"Unrecognized request URL ({method}: {path}). Please see https://docs.stripe.com or we can help at "
        "https://support.stripe.com/.",
        status=404,
    )


def _shown(kind: str) -> Act:
    def act(world: World, identifier: str, _: Params) -> Json:
        found = world.store.get(kind, identifier)
        if found is None:
            raise missing_object(kind, identifier, param=kind if kind == "charge" else "id")
        return found

    return act


def _listed(kind: str, url: str, *filters: str) -> Act:
    return lambda world, _, params: page_of(world, kind, params, url=url, filters=filters)


def _read(path: str, kind: str) -> Call:
    return Call(method="GET", path=f"{path}/ID", accepted=accepted.RETRIEVE, act=_shown(kind))


_SESSIONS = "/v1/checkout/sessions"

CALLS = (
    Call(
        method="POST",
        path=_SESSIONS,
        accepted=accepted.SESSION_CREATE,
        act=lambda world, _, params: checkout_sessions.create(world, params),
    ),
    Call(
        method="GET",
        path=_SESSIONS,
        accepted=accepted.SESSION_LIST,
        act=lambda world, _, params: checkout_sessions.page(world, params),
    ),
    Call(
        method="GET",
        path=f"{_SESSIONS}/ID",
        accepted=accepted.RETRIEVE,
        act=lambda world, identifier, _: checkout_sessions.retrieve(world, identifier),
    ),
    Call(
        method="POST",
        path=f"{_SESSIONS}/ID/expire",
        accepted=accepted.RETRIEVE,
        act=lambda world, identifier, _: checkout_sessions.expire(world, identifier),
    ),
    Call(
        method="GET",
        path=f"{_SESSIONS}/ID/line_items",
        accepted=accepted.LINE_ITEM_LIST,
        act=checkout_sessions.line_items,
    ),
    Call(
        method="GET",
        path="/v1/payment_intents",
        accepted=accepted.INTENT_LIST,
        act=_listed("payment_intent", "/v1/payment_intents", "customer"),
    ),
    Call(
        method="GET",
        path="/v1/payment_intents/ID",
        accepted=accepted.INTENT_RETRIEVE,
        act=_shown("payment_intent"),
    ),
    Call(
        method="GET",
        path="/v1/charges",
        accepted=accepted.CHARGE_LIST,
        act=_listed("charge", "/v1/charges", "customer", "payment_intent"),
    ),
    _read("/v1/charges", "charge"),
    Call(
        method="POST",
        path="/v1/refunds",
        accepted=accepted.REFUND_CREATE,
        act=lambda world, _, params: refunds.create(world, params),
    ),
    Call(
        method="GET",
        path="/v1/refunds",
        accepted=accepted.REFUND_LIST,
        act=lambda world, _, params: refunds.page(world, params),
    ),
    _read("/v1/refunds", "refund"),
    Call(method="POST", path="/v1/refunds/ID", accepted=accepted.REFUND_UPDATE, act=refunds.update),
    Call(
        method="POST",
        path="/v1/refunds/ID/cancel",
        accepted=accepted.RETRIEVE,
        act=lambda world, identifier, _: refunds.cancel(world, identifier),
    ),
    Call(
        method="GET",
        path="/v1/disputes",
        accepted=accepted.DISPUTE_LIST,
        act=_listed("dispute", "/v1/disputes", "charge", "payment_intent"),
    ),
    Call(
        method="GET",
        path="/v1/disputes/ID",
        accepted=accepted.RETRIEVE,
        act=lambda world, identifier, _: disputes.retrieve(world, identifier),
    ),
    Call(
        method="GET",
        path="/v1/radar/early_fraud_warnings",
        accepted=accepted.WARNING_LIST,
        act=_listed(
            "radar.early_fraud_warning", "/v1/radar/early_fraud_warnings", "charge", "payment_intent"
        ),
    ),
    _read("/v1/radar/early_fraud_warnings", "radar.early_fraud_warning"),
    _read("/v1/balance_transactions", "balance_transaction"),
    Call(
        method="GET",
        path="/v1/events",
        accepted=accepted.EVENT_LIST,
        act=lambda world, _, params: events.page(world, params),
    ),
    Call(
        method="GET",
        path="/v1/events/ID",
        accepted=accepted.RETRIEVE,
        act=lambda world, identifier, _: events.retrieve(world, identifier),
    ),
    Call(
        method="POST",
        path="/v1/products",
        accepted=accepted.PRODUCT_CREATE,
        required=("name",),
        act=lambda world, _, params: catalog.create_product(world, params),
    ),
    _read("/v1/products", "product"),
    Call(
        method="POST",
        path="/v1/prices",
        accepted=accepted.PRICE_CREATE,
        required=("currency",),
        act=lambda world, _, params: catalog.create_price(world, params),
    ),
    _read("/v1/prices", "price"),
    Call(
        method="POST",
        path="/v1/coupons",
        accepted=accepted.COUPON_CREATE,
        act=lambda world, _, params: catalog.create_coupon(world, params),
    ),
    _read("/v1/coupons", "coupon"),
    Call(
        method="POST",
        path="/v1/promotion_codes",
        accepted=accepted.PROMOTION_CODE_CREATE,
        required=("promotion",),
        act=lambda world, _, params: catalog.create_promotion_code(world, params),
    ),
    _read("/v1/promotion_codes", "promotion_code"),
    Call(
        method="POST",
        path="/v1/customers",
        accepted=accepted.CUSTOMER_CREATE,
        act=lambda world, _, params: catalog.create_customer(world, params),
    ),
    Call(
        method="GET",
        path="/v1/customers",
        accepted=accepted.CUSTOMER_LIST,
        act=_listed("customer", "/v1/customers", "email"),
    ),
    _read("/v1/customers", "customer"),
    Call(
        method="POST",
        path="/v1/customers/ID",
        accepted=accepted.CUSTOMER_UPDATE,
        act=catalog.update_customer,
    ),
    Call(
        method="GET",
        path="/v1/webhook_endpoints",
        accepted=accepted.ENDPOINT_LIST,
        act=lambda world, _, params: account.webhook_endpoints(world, params),
    ),
    Call(
        method="GET",
        path="/v1/webhook_endpoints/ID",
        accepted=accepted.RETRIEVE,
        act=lambda world, identifier, _: account.webhook_endpoint(world, identifier),
    ),
    Call(
        method="GET",
        path="/v1/account",
        accepted=accepted.RETRIEVE,
        act=lambda world, _, __: account.current(world),
    ),
    Call(
        method="GET",
        path="/v1/accounts/ID",
        accepted=accepted.RETRIEVE,
        act=lambda world, _, __: account.current(world),
    ),
)
