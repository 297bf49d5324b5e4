"""What is sold and at what discount: products, prices, coupons, promotion codes."""

from collections.abc import Mapping
from typing import Any

from sandbox.errors import bad_parameter, missing_object
from sandbox.identifiers import new_id
from sandbox.store import Json
from sandbox.world import World

Params = Mapping[str, Any]


def create_product(world: World, params: Params) -> Json:
    now = world.clock.now()
    identifier = params.get("id") or new_id("prod_", 14)
    _refuse_taken(world, identifier, "Product")
    return world.store.insert(
        {
            "id": identifier,
            "object": "product",
            "active": params.get("active", True),
            "created": now,
            "default_price": None,
            "description": params.get("description"),
            "images": params.get("images", []),
            "livemode": False,
            "marketing_features": [],
            "metadata": params.get("metadata", {}),
            "name": params["name"],
            "package_dimensions": None,
            "shippable": params.get("shippable"),
            "statement_descriptor": params.get("statement_descriptor"),
            "tax_code": params.get("tax_code"),
            "type": params.get("type", "service"),
            "unit_label": params.get("unit_label"),
            "updated": now,
            "url": params.get("url"),
        }
    )


def create_price(world: World, params: Params) -> Json:
    if ("product" in params) == ("product_data" in params):
        raise bad_parameter("Specify either `product` or `product_data`.", "product", "parameter_missing")
    if params.get("billing_scheme") == "tiered":
        raise bad_parameter("The sandbox knows no tiered prices.", "billing_scheme", "sandbox_unsupported")
    if "unit_amount" not in params:
        raise bad_parameter("Missing required param: unit_amount.", "unit_amount", "parameter_missing")
    product = _product_of(world, params)
    return world.store.insert(
        {
            "id": new_id("price_1", 23),
            "object": "price",
            "active": params.get("active", True),
            "billing_scheme": "per_unit",
            "created": world.clock.now(),
            "currency": params["currency"],
            "custom_unit_amount": None,
            "livemode": False,
            "lookup_key": params.get("lookup_key"),
            "metadata": params.get("metadata", {}),
            "nickname": params.get("nickname"),
            "product": product["id"],
            "recurring": None,
            "tax_behavior": params.get("tax_behavior", "unspecified"),
            "tiers_mode": None,
            "transform_quantity": None,
            "type": "one_time",
            "unit_amount": params["unit_amount"],
            "unit_amount_decimal": str(params["unit_amount"]),
        }
    )


def create_coupon(world: World, params: Params) -> Json:
    if ("percent_off" in params) == ("amount_off" in params):
        raise bad_parameter("Must provide exactly one of percent_off and amount_off.", "percent_off")
    if "amount_off" in params and "currency" not in params:
        raise bad_parameter("You must pass currency when passing amount_off", "currency", "parameter_missing")
    identifier = params.get("id") or new_id("", 8)
    _refuse_taken(world, identifier, "Coupon")
    return world.store.insert(
        {
            "id": identifier,
            "object": "coupon",
            "amount_off": params.get("amount_off"),
            "created": world.clock.now(),
            "currency": params.get("currency"),
            "duration": params.get("duration", "once"),
            "duration_in_months": None,
            "livemode": False,
            "max_redemptions": params.get("max_redemptions"),
            "metadata": params.get("metadata", {}),
            "name": params.get("name"),
            "percent_off": params.get("percent_off"),
            "redeem_by": params.get("redeem_by"),
            "times_redeemed": 0,
            "valid": True,
        }
    )


def create_promotion_code(world: World, params: Params) -> Json:
    coupon = find(world, "coupon", params["promotion"].get("coupon", ""), param="promotion[coupon]")
    return world.store.insert(
        {
            "id": new_id("promo_1", 23),
            "object": "promotion_code",
            "active": params.get("active", True),
            "code": params.get("code") or new_id("", 8).upper(),
            "created": world.clock.now(),
            "customer": None,
            "customer_account": None,
            "expires_at": params.get("expires_at"),
            "livemode": False,
            "max_redemptions": params.get("max_redemptions"),
            "metadata": params.get("metadata", {}),
            "promotion": {"coupon": coupon["id"], "type": "coupon"},
            "restrictions": {
                "first_time_transaction": False,
                "minimum_amount": None,
                "minimum_amount_currency": None,
            },
            "times_redeemed": 0,
        }
    )


def create_customer(world: World, params: Params) -> Json:
    return world.store.insert(
        {
            "id": new_id("cus_", 14),
            "object": "customer",
            "address": None,
            "balance": 0,
            "created": world.clock.now(),
            "currency": None,
            "default_source": None,
            "delinquent": False,
            "description": params.get("description"),
            "email": params.get("email"),
            "invoice_prefix": new_id("", 8).upper(),
            "invoice_settings": {
                "custom_fields": None,
                "default_payment_method": None,
                "footer": None,
                "rendering_options": None,
            },
            "livemode": False,
            "metadata": params.get("metadata", {}),
            "name": params.get("name"),
            "next_invoice_sequence": 1,
            "phone": params.get("phone"),
            "preferred_locales": params.get("preferred_locales", []),
            "shipping": None,
            "tax_exempt": "none",
            "test_clock": None,
        }
    )


def update_customer(world: World, identifier: str, params: Params) -> Json:
    customer = world.store.get("customer", identifier)
    if customer is None:
        raise missing_object("customer", identifier)
    given = dict(params)
    customer["metadata"] |= given.pop("metadata", {})
    return world.store.save(customer | given)


def find(world: World, kind: str, identifier: str, *, param: str = "id") -> Json:
    """As a parameter of another call: what is not there is a 400, not a 404."""
    found = world.store.get(kind, identifier)
    if found is None:
        raise missing_object(kind.replace("_", " "), identifier, param=param, status=400)
    return found


def redeem(world: World, coupon: Json, promotion_code: Json | None) -> None:
    for counted in filter(None, (coupon, promotion_code)):
        counted["times_redeemed"] += 1
        if counted["max_redemptions"] is not None and counted["times_redeemed"] >= counted["max_redemptions"]:
            counted["valid" if counted["object"] == "coupon" else "active"] = False
        world.store.save(counted)


def _product_of(world: World, params: Params) -> Json:
    if "product" in params:
        return find(world, "product", params["product"], param="product")
    return create_product(world, params["product_data"])


def _refuse_taken(world: World, identifier: str, called: str) -> None:
    if world.store.anything(identifier) is not None:
        raise bad_parameter(f"{called} already exists.", "id", "resource_already_exists")
