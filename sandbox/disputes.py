"""Disputes, inquiries and early fraud warnings: opened by the panel, the control API or a test card."""

from typing import Any

from sandbox import events, payment_shapes
from sandbox.errors import Refusal, missing_object
from sandbox.identifiers import new_id
from sandbox.store import Json
from sandbox.world import World

FEE = 1500
OUTCOMES = ("won", "lost", "warning_closed")

_EVIDENCE = (
    "access_activity_log",
    "billing_address",
    "cancellation_policy",
    "cancellation_policy_disclosure",
    "cancellation_rebuttal",
    "customer_communication",
    "customer_email_address",
    "customer_name",
    "customer_purchase_ip",
    "customer_signature",
    "duplicate_charge_documentation",
    "duplicate_charge_explanation",
    "duplicate_charge_id",
    "product_description",
    "receipt",
    "refund_policy",
    "refund_policy_disclosure",
    "refund_refusal_explanation",
    "service_date",
    "service_documentation",
    "shipping_address",
    "shipping_carrier",
    "shipping_date",
    "shipping_documentation",
    "shipping_tracking_number",
    "uncategorized_file",
    "uncategorized_text",
)


def open_dispute(
    world: World,
    charge_id: str,
    *,
    amount: int | None = None,
    inquiry: bool = False,
    reason: str = "fraudulent",
) -> Json:
    """Withdraws the funds, unless it is an inquiry."""
    charge = _paid_charge(world, charge_id)
    amount = charge["amount"] if amount is None else amount
    if not 0 < amount <= charge["amount"]:
        raise Refusal(f"A dispute is about 1 to {charge['amount']}, not {amount}.")
    dispute = _new_dispute(world, charge, amount, inquiry=inquiry, reason=reason)
    if not inquiry:
        dispute["balance_transactions"].append(_booked(world, dispute, -amount, FEE))
    world.store.insert(dispute)
    charge["disputed"] = True
    world.store.save(charge)
    events.record(world, "charge.dispute.created", dispute)
    if not inquiry:
        events.record(world, "charge.dispute.funds_withdrawn", dispute)
    return dispute


def escalate(world: World, identifier: str) -> Json:
    """An inquiry becomes a chargeback: now the funds go."""
    dispute = retrieve(world, identifier)
    if not dispute["status"].startswith("warning_"):
        raise Refusal("Only an inquiry can become a dispute.", status=409)
    former = {"status": dispute["status"]}
    dispute |= {"status": "needs_response", "is_charge_refundable": False}
    dispute["payment_method_details"]["card"]["case_type"] = "chargeback"
    dispute["balance_transactions"].append(_booked(world, dispute, -dispute["amount"], FEE))
    world.store.save(dispute)
    events.record(world, "charge.dispute.updated", dispute, changed=former)
    events.record(world, "charge.dispute.funds_withdrawn", dispute)
    return dispute


def close(world: World, identifier: str, *, outcome: str) -> Json:
    """won gives the funds back; lost and warning_closed move nothing."""
    dispute = retrieve(world, identifier)
    if dispute["status"] in OUTCOMES:
        raise Refusal(f"This dispute is {dispute['status']}.", status=409)
    if outcome not in OUTCOMES:
        raise Refusal(f"Unknown outcome {outcome!r}: one of {', '.join(OUTCOMES)}.")
    former = {"status": dispute["status"]}
    was_inquiry = dispute["status"].startswith("warning_")
    dispute["status"] = (
        "warning_closed" if was_inquiry else "lost" if outcome == "warning_closed" else outcome
    )
    if dispute["status"] == "won":
        dispute["balance_transactions"].append(_booked(world, dispute, dispute["amount"], -FEE))
    world.store.save(dispute)
    events.record(world, "charge.dispute.closed", dispute, changed=former)
    if dispute["status"] == "won":
        events.record(world, "charge.dispute.funds_reinstated", dispute)
    return dispute


def warn_of_fraud(world: World, charge_id: str) -> Json:
    charge = _paid_charge(world, charge_id)
    warning = {
        "id": new_id("issfr_1", 23),
        "object": "radar.early_fraud_warning",
        "actionable": True,
        "charge": charge["id"],
        "created": world.clock.now(),
        "fraud_type": "unauthorized_use_of_card",
        "livemode": False,
        "payment_intent": charge["payment_intent"],
    }
    world.store.insert(warning)
    events.record(world, "radar.early_fraud_warning.created", warning)
    return warning


def retrieve(world: World, identifier: str) -> Json:
    dispute = world.store.get("dispute", identifier)
    if dispute is None:
        raise missing_object("dispute", identifier)
    return dispute


def _paid_charge(world: World, charge_id: str) -> Json:
    charge = world.store.get("charge", charge_id)
    if charge is None or charge["status"] != "succeeded":
        raise Refusal(f"There is no paid charge {charge_id!r}.", status=404)
    return charge


def _new_dispute(world: World, charge: Json, amount: int, *, inquiry: bool, reason: str) -> Json:
    evidence: dict[str, Any] = dict.fromkeys(_EVIDENCE)
    card = charge["payment_method_details"].get("card", {"brand": "visa"})
    return {
        "id": new_id("dp_1", 23),
        "object": "dispute",
        "amount": amount,
        "balance_transactions": [],
        "charge": charge["id"],
        "created": world.clock.now(),
        "currency": charge["currency"],
        "enhanced_eligibility_types": [],
        "evidence": evidence | {"enhanced_evidence": {}},
        "evidence_details": {
            "due_by": world.clock.now() + 7 * 86400,
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
            "submission_method": "not_submitted",
        },
        "is_charge_refundable": inquiry,
        "livemode": False,
        "metadata": {},
        "network_reason_code": "10.4",
        "payment_intent": charge["payment_intent"],
        "payment_method_details": {
            "card": {
                "brand": card["brand"],
                "case_type": "inquiry" if inquiry else "chargeback",
                "network": card["brand"],
                "network_reason_code": "10.4",
            },
            "type": "card",
        },
        "reason": reason,
        "status": "warning_needs_response" if inquiry else "needs_response",
    }


def _booked(world: World, dispute: Json, amount: int, fee: int) -> Json:
    booked = payment_shapes.new_balance_transaction(
        amount=amount,
        fee=fee,
        currency=dispute["currency"],
        source=dispute["id"],
        type="adjustment",
        created=world.clock.now(),
    )
    return world.store.insert(booked)
