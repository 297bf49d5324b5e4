"""Refunds: made, settled later, failed, cancelled. What they did to a charge stays on the charge."""

from collections.abc import Mapping
from typing import Any

from sandbox import events, payment_shapes
from sandbox.currencies import written
from sandbox.errors import Refusal, bad_parameter, missing_object, refused_act
from sandbox.identifiers import new_id, refund_id
from sandbox.listing import page_of
from sandbox.store import Json
from sandbox.world import World

STATUSES = ("succeeded", "pending", "requires_action", "failed")
_SLOW_SECONDS = 5


def create(world: World, params: Mapping[str, Any], *, status: str = "") -> Json:
    """`status` is for the panel and the control API; the API itself gets what the card's behaviour says."""
    charge = _charge_asked(world, params)
    left = charge["amount"] - charge["amount_refunded"]
    amount = params.get("amount", left)
    if charge["status"] != "succeeded":
        raise refused_act(f"Charge {charge['id']} was not successfully charged.", param="charge")
    if charge["disputed"] and not _refundable(world, charge["id"]):
        raise refused_act(f"Charge {charge['id']} has been charged back.", code="charge_disputed")
    if left <= 0:
        raise refused_act(f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded")
    if amount > left:
        said, most = written(amount, charge["currency"]), written(left, charge["currency"])
        message = f"Refund amount ({said}) is greater than unrefunded amount on charge ({most})"
        raise refused_act(message, param="amount")
    behaviour = world.store.hidden(charge["id"]).get("refunds", "")
    status = status or ("pending" if behaviour == "slow_refund" else "succeeded")
    refund = world.store.insert(_new_refund(world, charge, amount, params, status))
    _count(world, charge, amount, refund)
    if behaviour in {"slow_refund", "failing_refund"} and status != "requires_action":
        act = "succeed_refund" if behaviour == "slow_refund" else "fail_refund"
        world.schedule(act, refund["id"], world.clock.exact() + _SLOW_SECONDS)
    return refund


def retrieve(world: World, identifier: str) -> Json:
    refund = world.store.get("refund", identifier)
    if refund is None:
        raise missing_object("refund", identifier)
    return refund


def page(world: World, params: Mapping[str, Any]) -> Json:
    return page_of(world, "refund", params, url="/v1/refunds", filters=("charge", "payment_intent"))


def update(world: World, identifier: str, params: Mapping[str, Any]) -> Json:
    refund = retrieve(world, identifier)
    refund["metadata"] |= params.get("metadata", {})
    world.store.save(refund)
    events.record(world, "refund.updated", refund, changed={"metadata": {}})
    return refund


def cancel(world: World, identifier: str) -> Json:
    refund = retrieve(world, identifier)
    if refund["status"] != "requires_action":
        raise refused_act("You can only cancel refunds in status `requires_action`.")
    return _give_back(world, refund, status="canceled", reason=None)


def succeed(world: World, identifier: str) -> Json:
    refund = retrieve(world, identifier)
    if refund["status"] not in {"pending", "requires_action"}:
        raise Refusal(f"This refund is {refund['status']}.", status=409)
    former = {"status": refund["status"], "pending_reason": refund["pending_reason"]}
    refund |= {"status": "succeeded", "pending_reason": None, "next_action": None}
    world.store.save(refund)
    for type in ("refund.updated", "charge.refund.updated"):
        events.record(world, type, refund, changed=former)
    return refund


def fail(world: World, identifier: str) -> Json:
    """Also a refund that had succeeded: the bank sends the money back."""
    refund = retrieve(world, identifier)
    if refund["status"] in {"failed", "canceled"}:
        raise Refusal(f"This refund is {refund['status']}.", status=409)
    return _give_back(world, refund, status="failed", reason="lost_or_stolen_card")


def _charge_asked(world: World, params: Mapping[str, Any]) -> Json:
    if ("charge" in params) == ("payment_intent" in params):
        message = "One of the following params should be provided for this request: payment_intent or charge."
        raise bad_parameter(message, "charge", "parameter_missing")
    if "charge" in params:
        charge = world.store.get("charge", params["charge"])
        if charge is None:
            raise missing_object("charge", params["charge"], param="charge")
        return charge
    intent = world.store.get("payment_intent", params["payment_intent"])
    if intent is None:
        raise missing_object("payment_intent", params["payment_intent"], param="payment_intent")
    charge = world.store.get("charge", intent["latest_charge"] or "")
    if charge is None:
        raise refused_act(f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund.")
    return charge


def _refundable(world: World, charge: str) -> bool:
    """An inquiry can still be answered with a refund; a chargeback cannot."""
    disputes = world.store.find("dispute", where="charge = ?", values=(charge,))
    return all(dispute["is_charge_refundable"] or dispute["status"] == "won" for dispute in disputes)


def _new_refund(world: World, charge: Json, amount: int, params: Mapping[str, Any], status: str) -> Json:
    type = charge["payment_method_details"]["type"]
    card = {"reference": new_id("", 12), "reference_status": "available", "type": "refund"}
    card["reference_type"] = "acquirer_reference_number"
    refund: Json = {
        "id": refund_id(),
        "object": "refund",
        "amount": amount,
        "balance_transaction": None,
        "charge": charge["id"],
        "created": world.clock.now(),
        "currency": charge["currency"],
        "customer": charge["customer"],
        "customer_account": None,
        "destination_details": {"card": card, "type": "card"} if type == "card" else {"type": type},
        "metadata": params.get("metadata", {}),
        "payment_intent": charge["payment_intent"],
        "payment_method": charge["payment_method"],
        "pending_reason": "processing" if status == "pending" else None,
        "reason": params.get("reason"),
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": status,
        "transfer_reversal": None,
    }
    if status == "failed":
        refund["failure_reason"] = "declined"
    else:
        refund["balance_transaction"] = _booked(world, refund, -amount, "refund")
    return refund


def _count(world: World, charge: Json, amount: int, refund: Json) -> None:
    """One that failed at once never touched the charge."""
    events.record(world, "refund.created", refund)
    if refund["status"] == "failed":
        events.record(world, "refund.failed", refund)
        return
    former = {"amount_refunded": charge["amount_refunded"], "refunded": charge["refunded"]}
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount"]
    world.store.save(charge)
    events.record(world, "charge.refunded", charge, changed=former)


def _give_back(world: World, refund: Json, *, status: str, reason: str | None) -> Json:
    former = {"status": refund["status"]}
    refund |= {"status": status, "pending_reason": None, "next_action": None}
    if reason:
        refund["failure_reason"] = reason
    refund["failure_balance_transaction"] = _booked(world, refund, refund["amount"], "refund_failure")
    world.store.save(refund)
    charge = world.store.known("charge", refund["charge"])
    charge["amount_refunded"] -= refund["amount"]
    charge["refunded"] = False
    world.store.save(charge)
    if status == "failed":
        events.record(world, "refund.failed", refund, changed=former)
    for type in ("refund.updated", "charge.refund.updated"):
        events.record(world, type, refund, changed=former)
    return refund


def _booked(world: World, refund: Json, amount: int, type: str) -> str:
    booked = payment_shapes.new_balance_transaction(
        amount=amount,
        fee=0,
        currency=refund["currency"],
        source=refund["id"],
        type=type,
        created=world.clock.now(),
    )
    return str(world.store.insert(booked)["id"])
