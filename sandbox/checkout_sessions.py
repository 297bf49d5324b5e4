"""Checkout sessions, as the API makes, shows, lists and expires them. Paying one is in payments.py."""

from collections.abc import Mapping
from typing import Any

from sandbox import catalog, events
from sandbox.currencies import least_charge, written
from sandbox.errors import Refusal, bad_parameter, missing_object, refused_act
from sandbox.identifiers import session_id
from sandbox.line_items import add_up, items_from
from sandbox.listing import page_of, slice_of
from sandbox.session_shape import new_session
from sandbox.store import Json
from sandbox.world import World

SHORTEST_SECONDS = 30 * 60
LONGEST_SECONDS = 24 * 3600

_EXCLUSIVE = (
    ("allow_promotion_codes", "discounts"),
    ("customer", "customer_email"),
    ("customer", "customer_creation"),
)


def create(world: World, params: Mapping[str, Any]) -> Json:
    _check(params)
    now = world.clock.now()
    expires_at = _expires_at(params, now)
    if "customer" in params:
        catalog.find(world, "customer", params["customer"], param="customer")
    coupon, promotion_code = _discount_asked(world, params)
    items = items_from(world, params["line_items"])
    currency = items[0]["currency"]
    if params.get("currency", currency) != currency:
        raise bad_parameter("The price specified supports currencies of " + currency, "currency")
    totals = add_up(items, coupon=coupon, tax_percent=0)
    _check_total(totals["amount_total"], currency)
    identifier = session_id()
    session = new_session(
        params,
        id=identifier,
        url=f"{world.options.public_url}/c/pay/{identifier}",
        currency=currency,
        totals=totals,
        discounts=_shown_discounts(coupon, promotion_code),
        created=now,
        expires_at=expires_at,
    )
    hidden = {
        "line_items": items,
        "intent_data": params.get("payment_intent_data", {}),
        "coupon": coupon and coupon["id"],
        "promotion_code": promotion_code and promotion_code["id"],
    }
    world.store.insert(session, hidden)
    world.schedule("expire_session", identifier, expires_at)
    return session


def retrieve(world: World, identifier: str) -> Json:
    session = world.store.get("checkout.session", identifier)
    if session is None:
        raise missing_object("checkout.session", identifier, param="session")
    return session


def page(world: World, params: Mapping[str, Any]) -> Json:
    asked = dict(params)
    if "customer_details" in asked:
        asked["email"] = asked["customer_details"]["email"]
    filters = ("status", "payment_intent", "customer", "email")
    return page_of(world, "checkout.session", asked, url="/v1/checkout/sessions", filters=filters)


def line_items(world: World, identifier: str, params: Mapping[str, Any]) -> Json:
    retrieve(world, identifier)
    items = world.store.hidden(identifier)["line_items"]
    return slice_of(items, params, url=f"/v1/checkout/sessions/{identifier}/line_items")


def expire(world: World, identifier: str) -> Json:
    session = retrieve(world, identifier)
    if session["status"] != "open":
        raise refused_act(
            'Only Checkout Sessions with a status in ["open"] can be expired. '
            f"This Checkout Session has a status of `{session['status']}`.",
        )
    return _close(world, session)


def expire_when_due(world: World, identifier: str) -> None:
    """The clock's own doing; a session that is not open any more stays as it is."""
    session = world.store.get("checkout.session", identifier)
    if session is None or session["status"] != "open":
        return
    if session["expires_at"] > world.clock.now():
        world.schedule("expire_session", identifier, session["expires_at"])
        return
    _close(world, session)


def apply_promotion_code(world: World, session: Json, code: str) -> str:
    """What is wrong with the code, in a sentence; empty when it now counts."""
    found = world.store.find(
        "promotion_code", where="code = ? collate nocase", values=(code.strip(),), limit=1
    )
    promotion_code = found[0] if found and found[0]["active"] else None
    coupon = promotion_code and world.store.get("coupon", promotion_code["promotion"]["coupon"])
    usable = coupon and coupon["valid"] and coupon["currency"] in {None, session["currency"]}
    if not session["allow_promotion_codes"] or promotion_code is None or not coupon or not usable:
        return "This code is invalid."
    if (promotion_code["expires_at"] or world.clock.now() + 1) <= world.clock.now():
        return "This code has expired."
    session["discounts"] = _shown_discounts(coupon, promotion_code)
    hidden = world.store.hidden(session["id"]) | {
        "coupon": coupon["id"],
        "promotion_code": promotion_code["id"],
    }
    world.store.save_hidden(session["id"], hidden)
    reckon(world, session)
    return ""


def reckon(world: World, session: Json) -> None:
    """Adds the session up again, with its discount and, once a buyer is there, its tax."""
    hidden = world.store.hidden(session["id"])
    coupon = world.store.get("coupon", hidden["coupon"]) if hidden["coupon"] else None
    session.update(add_up(hidden["line_items"], coupon=coupon, tax_percent=tax_percent(world, session)))
    if session["status"] == "open":
        session["payment_status"] = "unpaid" if session["amount_total"] else "no_payment_required"
    world.store.save_hidden(session["id"], hidden)
    world.store.save(session)


def tax_percent(world: World, session: Json) -> int:
    return int(world.setting("tax_percent", 20)) if session["automatic_tax"]["enabled"] else 0


def _close(world: World, session: Json) -> Json:
    session |= {"status": "expired", "url": None}
    world.store.save(session)
    if session["payment_intent"]:
        _cancel_intent(world, session["payment_intent"])
    events.record(world, "checkout.session.expired", session)
    return session


def _cancel_intent(world: World, identifier: str) -> None:
    intent = world.store.get("payment_intent", identifier)
    if intent is None or intent["status"] in {"succeeded", "canceled", "processing"}:
        return
    intent |= {"status": "canceled", "canceled_at": world.clock.now(), "cancellation_reason": "expired"}
    intent["next_action"] = None
    world.store.save(intent)
    events.record(world, "payment_intent.canceled", intent)


def _check(params: Mapping[str, Any]) -> None:
    for name in ("mode", "line_items"):
        if not params.get(name):
            raise bad_parameter(f"Missing required param: {name}.", name, "parameter_missing")
    if params["mode"] != "payment":
        raise bad_parameter(
            "The sandbox only knows sessions in `payment` mode.", "mode", "sandbox_unsupported"
        )
    if params.get("ui_mode", "hosted_page") != "hosted_page":
        raise bad_parameter("The sandbox only has the hosted page.", "ui_mode", "sandbox_unsupported")
    if "success_url" not in params:
        raise bad_parameter("Missing required param: success_url.", "success_url", "parameter_missing")
    for one, other in _EXCLUSIVE:
        if params.get(one) and params.get(other):
            raise bad_parameter(f"You may only specify one of these parameters: {one}, {other}.", one)
    if "customer_update" in params and "customer" not in params:
        raise bad_parameter("`customer_update` can only be used with `customer`.", "customer_update")


def _expires_at(params: Mapping[str, Any], now: int) -> int:
    expires_at = int(params.get("expires_at", now + LONGEST_SECONDS))
    if expires_at < now + SHORTEST_SECONDS:
        message = "The `expires_at` timestamp must be at least 30 minutes from Checkout Session creation."
        raise bad_parameter(message, "expires_at")
    if expires_at > now + LONGEST_SECONDS:
        message = "The `expires_at` timestamp must be less than 24 hours from Checkout Session creation."
        raise bad_parameter(message, "expires_at")
    return expires_at


def _check_total(total: int, currency: str) -> None:
    least = least_charge(currency)
    if 0 < total < least:
        raise Refusal(
            f"The Checkout Session's total amount due must add up to at least {written(least, currency)}",
            code="amount_too_small",
        )


def _discount_asked(world: World, params: Mapping[str, Any]) -> tuple[Json | None, Json | None]:
    """The coupon and, where it came by one, the promotion code."""
    asked = (params.get("discounts") or [{}])[0]
    if "coupon" in asked and "promotion_code" in asked:
        message = "You may only specify one of these parameters: coupon, promotion_code."
        raise bad_parameter(message, "discounts[0][coupon]")
    promotion_code = None
    if "promotion_code" in asked:
        param = "discounts[0][promotion_code]"
        promotion_code = catalog.find(world, "promotion_code", asked["promotion_code"], param=param)
        if not promotion_code["active"]:
            raise bad_parameter("This promotion code is not active.", param)
        asked = promotion_code["promotion"]
    if "coupon" not in asked:
        return None, promotion_code
    coupon = catalog.find(world, "coupon", asked["coupon"], param="discounts[0][coupon]")
    if not coupon["valid"]:
        raise bad_parameter("This coupon is not valid any more.", "discounts[0][coupon]")
    return coupon, promotion_code


def _shown_discounts(coupon: Json | None, promotion_code: Json | None) -> list[Json]:
    if coupon is None:
        return []
    shown = (
        {"coupon": None, "promotion_code": promotion_code["id"]}
        if promotion_code
        else {
            "coupon": coupon["id"],
            "promotion_code": None,
        }
    )
    return [shown]
