"""The control API under /_control/, for tests and scripts: JSON in, JSON out. README.md lists it."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from typing import Any, TypeAlias

from sandbox import checkout_sessions, deliveries, disputes, events, payments, refunds, tampering
from sandbox.background import run_due_jobs
from sandbox.cards import DEBIT_TYPES, GOOD_ACCOUNTS, card_numbered
from sandbox.errors import Refusal
from sandbox.hosted_page import success_address
from sandbox.payments import Attempt, Buyer
from sandbox.store import Json
from sandbox.web import Request, Response, json_answer
from sandbox.world import World

Asked: TypeAlias = "Mapping[str, Any]"


def answer(world: World, request: Request) -> Response:
    try:
        asked = _asked(request)
        run_due_jobs(world)
        return json_answer(_done(world, request, asked))
    except Refusal as refusal:
        return json_answer({"error": {"message": refusal.message}}, status=refusal.status)
    except (KeyError, TypeError, ValueError) as error:
        return json_answer({"error": {"message": f"Not understood: {error!r}"}}, status=400)


def _asked(request: Request) -> Asked:
    if request.method == "GET":
        return request.form()
    asked = json.loads(request.body or b"{}")
    if not isinstance(asked, dict):
        raise Refusal("The control API takes a JSON object.")
    return asked


def _done(world: World, request: Request, asked: Asked) -> Any:
    steps = request.path.removeprefix("/_control/").strip("/").split("/")
    match request.method, steps:
        case "POST", ["sessions", identifier, verb] if verb in _SESSION_VERBS:
            with world.store.transaction():
                return _SESSION_VERBS[verb](world, identifier, asked)
        case "POST", ["refunds", identifier, verb] if verb in _REFUND_VERBS:
            with world.store.transaction():
                return _REFUND_VERBS[verb](world, identifier)
        case "POST", ["disputes", identifier, "escalate"]:
            with world.store.transaction():
                return disputes.escalate(world, identifier)
        case "POST", ["disputes", identifier, "close"]:
            with world.store.transaction():
                return disputes.close(world, identifier, outcome=asked["outcome"])
        case "POST", ["objects", identifier]:
            return tampering.change(world, identifier, asked["set"])
        case "POST", ["objects", identifier, "delete"]:
            return {"deleted": world.store.delete(identifier)}
        case "POST", ["deliveries", "held", "now"]:
            return {"released": deliveries.deliver_held(world)}
        case "POST", ["deliveries", seq, verb]:
            deliveries.act(world, int(seq), verb, seconds=asked.get("seconds", 60))
            return deliveries.find(world, int(seq))
        case "POST", ["faults", "clear"]:
            world.faults.clear()
            return {"faults": []}
        case "POST", ["events", identifier, "twin"]:
            return _twin(world, identifier)
        case method, [name] if (method, name) in _PLAIN:
            return _PLAIN[method, name](world, asked)
    raise Refusal(f"The control API has no {request.method} {request.path}.", status=404)


def _pay(world: World, session_id: str, asked: Asked) -> Json:
    """Pays as the page would; whatever else is named is changed in the session first, to make it odd."""
    named = ("card", "method", "account", "email", "name", "presentment_currency", "authorize")
    overrides = {name: value for name, value in asked.items() if name not in named}
    if overrides:
        tampering.change(world, session_id, overrides)
    session = checkout_sessions.retrieve(world, session_id)
    buyer = Buyer(
        email=asked.get("email") or session["customer_email"] or "buyer@example.com",
        name=asked.get("name", "Test Buyer"),
        presentment_currency=asked.get("presentment_currency", ""),
    )
    attempt = _attempt(world, session, asked, buyer)
    if attempt.outcome == "authenticate" and "authorize" in asked:
        attempt = payments.authenticate(world, session_id, authorized=asked["authorize"])
    session = checkout_sessions.retrieve(world, session_id)
    return asdict(attempt) | {"session": session, "success_url": success_address(session)}


def _attempt(world: World, session: Json, asked: Asked, buyer: Buyer) -> Attempt:
    if session["amount_total"] == 0:
        return payments.pay_nothing(world, session["id"], buyer=buyer)
    if asked.get("method", "card") == "bank_debit":
        account = asked.get("account") or GOOD_ACCOUNTS.get(DEBIT_TYPES.get(session["currency"], ""), "")
        return payments.pay_by_debit(world, session["id"], account=account, buyer=buyer)
    card = card_numbered(asked.get("card", "4242424242424242"))
    if card is None:
        raise Refusal(f"{asked['card']!r} is none of the test cards.")
    return payments.pay_by_card(world, session["id"], card=card, buyer=buyer)


def _settle(world: World, session_id: str, asked: Asked) -> Json:
    payments.settle_debit(world, session_id, succeed=asked.get("succeed", True))
    return checkout_sessions.retrieve(world, session_id)


def _refund(world: World, session_id: str, asked: Asked) -> Json:
    status = asked.get("status", "")
    if status and status not in refunds.STATUSES:
        raise Refusal(f"A refund starts as {', '.join(refunds.STATUSES)}, not {status!r}.")
    params = {name: asked[name] for name in ("amount", "reason", "metadata") if name in asked}
    return refunds.create(world, params | {"charge": _charge_of(world, session_id)}, status=status)


def _dispute(world: World, session_id: str, asked: Asked) -> Json:
    return disputes.open_dispute(
        world,
        _charge_of(world, session_id),
        amount=asked.get("amount"),
        inquiry=asked.get("inquiry", False),
        reason=asked.get("reason", "fraudulent"),
    )


def _charge_of(world: World, session_id: str) -> str:
    session = checkout_sessions.retrieve(world, session_id)
    intent = world.store.get("payment_intent", session["payment_intent"] or "")
    if intent is None or not intent["latest_charge"]:
        raise Refusal("This session has no charge.", status=409)
    return str(intent["latest_charge"])


_SESSION_VERBS: dict[str, Callable[[World, str, Asked], Json]] = {
    "pay": _pay,
    "settle": _settle,
    "expire": lambda world, identifier, _: checkout_sessions.expire(world, identifier),
    "tamper": lambda world, identifier, asked: tampering.change(world, identifier, asked),
    "refund": _refund,
    "dispute": _dispute,
    "fraud_warning": lambda world, identifier, _: disputes.warn_of_fraud(
        world, _charge_of(world, identifier)
    ),
}

_REFUND_VERBS: dict[str, Callable[[World, str], Json]] = {
    "succeed": refunds.succeed,
    "fail": refunds.fail,
    "cancel": refunds.cancel,
}


def _twin(world: World, identifier: str) -> Json:
    """The same thing told by a second event with an id of its own, as Stripe now and then does."""
    event = events.retrieve(world, identifier)
    with world.store.transaction():
        return events.record(
            world, event["type"], event["data"]["object"], changed=event["data"].get("previous_attributes")
        )


def _requests(world: World, asked: Asked) -> Json:
    """Filters: method, path (a beginning), since (a moment)."""
    chosen = [
        request
        for request in list(world.requests)
        if asked.get("method", request["method"]) == request["method"]
        and request["path"].startswith(asked.get("path", ""))
        and request["at"] >= float(asked.get("since", 0))
    ]
    return {"requests": chosen}


def _deliveries(world: World, asked: Asked) -> Json:
    filters = {name: asked[name] for name in ("event", "type", "state") if name in asked}
    return {"deliveries": deliveries.latest(world, int(asked.get("limit", 100)), **filters)}


def _webhook(world: World, asked: Asked) -> Json:
    """Until the process ends; at its start the command line counts again."""
    changes = {name: asked[name] for name in ("url", "secret", "api_version") if name in asked}
    if "enabled_events" in asked:
        changes["enabled_events"] = tuple(asked["enabled_events"])
    world.endpoint = replace(world.endpoint, **changes)
    return {name: value for name, value in asdict(world.endpoint).items() if name != "secret"}


def _clock(world: World, asked: Asked) -> Json:
    if "advance" in asked:
        world.clock.advance(float(asked["advance"]))
    if asked.get("reset"):
        world.clock.reset()
    jobs = run_due_jobs(world)
    world.bell.set()
    return {"now": world.clock.exact(), "ahead_seconds": world.clock.ahead_seconds, "jobs": jobs}


def _settings(world: World, asked: Asked) -> Json:
    if "tax_percent" in asked:
        world.store.set("tax_percent", int(asked["tax_percent"]))
    return {"tax_percent": world.setting("tax_percent", 20)}


def _reset(world: World, _: Asked) -> Json:
    """What is on its way may arrive first, so that nothing old comes in afterwards."""
    world.faults.clear()
    deliveries.let_arrive(world, within=2)
    world.store.clear()
    world.clock.reset()
    world.requests.clear()
    world.bell.set()
    return {"reset": True}


_PLAIN: dict[tuple[str, str], Callable[[World, Asked], Any]] = {
    ("GET", "delivery_mode"): lambda world, _: deliveries.mode_of(world),
    ("POST", "delivery_mode"): lambda world, asked: deliveries.set_mode(world, **asked),
    ("GET", "deliveries"): _deliveries,
    ("GET", "requests"): _requests,
    ("GET", "faults"): lambda world, _: {"faults": world.faults.all(), "holding": world.faults.holding},
    ("POST", "faults"): lambda world, asked: asdict(world.faults.add(asked)),
    ("POST", "release"): lambda world, _: {"released": world.faults.release()},
    ("GET", "clock"): _clock,
    ("POST", "clock"): _clock,
    ("POST", "webhook"): _webhook,
    ("GET", "settings"): _settings,
    ("POST", "settings"): _settings,
    ("POST", "reset"): _reset,
}
