"""The lines of a checkout session and what they add up to, with discount and tax."""

from collections.abc import Mapping, Sequence
from typing import Any

from sandbox import catalog
from sandbox.errors import bad_parameter
from sandbox.identifiers import new_id
from sandbox.store import Json
from sandbox.world import World


def items_from(world: World, asked: Sequence[Mapping[str, Any]]) -> list[Json]:
    items = [_item(world, line, f"line_items[{number}]") for number, line in enumerate(asked)]
    currencies = {item["currency"] for item in items}
    if len(currencies) > 1:
        raise bad_parameter(
            "All line items must have the same currency. Found: " + ", ".join(sorted(currencies)),
            "line_items",
        )
    return items


def add_up(items: list[Json], *, coupon: Json | None, tax_percent: int) -> Json:
    """Fills in each line's amounts, in place; returns amount_subtotal, amount_total, total_details."""
    subtotal = sum(item["amount_subtotal"] for item in items)
    left = _discount(subtotal, coupon)
    for number, item in enumerate(items, start=1):
        is_last = number == len(items)
        share = left if is_last else min(left, _discount(item["amount_subtotal"], coupon))
        left -= share
        _fill(item, discount=share, tax_percent=tax_percent)
    return {
        "amount_subtotal": subtotal,
        "amount_total": sum(item["amount_total"] for item in items),
        "total_details": {
            "amount_discount": sum(item["amount_discount"] for item in items),
            "amount_shipping": 0,
            "amount_tax": sum(item["amount_tax"] for item in items),
        },
    }


def _item(world: World, line: Mapping[str, Any], where: str) -> Json:
    if ("price" in line) == ("price_data" in line):
        raise bad_parameter(
            f"You must specify either `price` or `price_data` in {where}.", where, "parameter_missing"
        )
    if "quantity" not in line:
        raise bad_parameter(f"Quantity is required. Add `quantity` to `{where}`", f"{where}[quantity]")
    price = _price(world, line, where)
    product = catalog.find(world, "product", price["product"])
    amount = price["unit_amount"] * line["quantity"]
    return {
        "id": new_id("li_1", 23),
        "object": "item",
        "adjustable_quantity": None,
        "amount_discount": 0,
        "amount_subtotal": amount,
        "amount_tax": 0,
        "amount_total": amount,
        "currency": price["currency"],
        "description": product["name"],
        "metadata": line.get("metadata", {}),
        "price": price,
        "quantity": line["quantity"],
    }


def _price(world: World, line: Mapping[str, Any], where: str) -> Json:
    if "price" in line:
        price = catalog.find(world, "price", line["price"], param=f"{where}[price]")
        if not price["active"]:
            raise bad_parameter(
                "The price specified is inactive. This field only accepts active prices.", where
            )
        return price
    data = line["price_data"]
    if "unit_amount" not in data:
        param = f"{where}[price_data][unit_amount]"
        raise bad_parameter(f"Missing required param: {param}.", param, "parameter_missing")
    # Stripe keeps inline prices and their products, but as inactive ones.
    inline = dict(data) | {"active": False}
    if "product_data" in inline:
        product = catalog.create_product(world, inline.pop("product_data") | {"active": False})
        inline["product"] = product["id"]
    return catalog.create_price(world, inline)


def _discount(amount: int, coupon: Json | None) -> int:
    if coupon is None:
        return 0
    if coupon["percent_off"] is not None:
        return round(amount * float(coupon["percent_off"]) / 100)
    return min(amount, int(coupon["amount_off"]))


def _fill(item: Json, *, discount: int, tax_percent: int) -> None:
    net = item["amount_subtotal"] - discount
    inclusive = item["price"]["tax_behavior"] == "inclusive"
    tax = round(net * tax_percent / (100 + tax_percent)) if inclusive else round(net * tax_percent / 100)
    item["amount_discount"] = discount
    item["amount_tax"] = tax
    item["amount_total"] = net if inclusive else net + tax
