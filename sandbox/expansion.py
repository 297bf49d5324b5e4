"""`expand[]`: puts the object in the place of its id."""

from collections.abc import Iterable
from typing import Any

from sandbox.errors import bad_parameter
from sandbox.listing import list_object
from sandbox.store import Json
from sandbox.world import World

DEEPEST = 4

# Which fields of which objects can be expanded, and into what.
_EXPANDABLE = {
    "checkout.session": {"payment_intent": "payment_intent", "customer": "customer", "line_items": "items"},
    "payment_intent": {"latest_charge": "charge", "customer": "customer"},
    "charge": {
        "payment_intent": "payment_intent",
        "customer": "customer",
        "balance_transaction": "balance_transaction",
        "refunds": "refunds",
    },
    "refund": {
        "charge": "charge",
        "payment_intent": "payment_intent",
        "balance_transaction": "balance_transaction",
        "failure_balance_transaction": "balance_transaction",
    },
    "dispute": {"charge": "charge", "payment_intent": "payment_intent"},
    "radar.early_fraud_warning": {"charge": "charge", "payment_intent": "payment_intent"},
    "price": {"product": "product"},
    "promotion_code": {},
    "item": {},
}


def expand(world: World, content: Json, paths: Iterable[str]) -> Json:
    for path in paths:
        steps = path.split(".")
        if len(steps) > DEEPEST + (steps[0] == "data"):
            raise bad_parameter("You cannot expand more than 4 levels of a property", "expand")
        _expand(world, content, steps, path)
    return content


def _expand(world: World, content: Any, steps: list[str], path: str) -> None:
    if not steps or content is None:
        return
    if isinstance(content, list):
        for entry in content:
            _expand(world, entry, steps, path)
        return
    step, rest = steps[0], steps[1:]
    kind = _EXPANDABLE.get(content.get("object", ""), {}).get(step)
    inside = content.get(step)
    if kind is None and not isinstance(inside, dict | list):
        raise bad_parameter(f"This property cannot be expanded ({path}).", "expand")
    if kind is not None and not isinstance(inside, dict):
        inside = _fetched(world, content, kind, inside)
        content[step] = inside
    _expand(world, inside, rest, path)


def _fetched(world: World, content: Json, kind: str, identifier: str | None) -> Json | None:
    if kind == "items":
        items = world.store.hidden(content["id"])["line_items"]
        url = f"/v1/checkout/sessions/{content['id']}/line_items"
        return list_object(items[:10], url=url, has_more=len(items) > 10)
    if kind == "refunds":
        refunds = world.store.find("refund", where="charge = ?", values=(content["id"],))
        return list_object(
            refunds[:10], url=f"/v1/charges/{content['id']}/refunds", has_more=len(refunds) > 10
        )
    return world.store.get(kind, identifier or "")
