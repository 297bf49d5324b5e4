"""How the panel looks: fills its templates from what the store holds, changes nothing."""

import json
from datetime import UTC, datetime

from sandbox import deliveries, disputes
from sandbox.currencies import minor_units, written
from sandbox.page_templates import Html, fill, joined, page
from sandbox.store import Json
from sandbox.world import World

PAYMENTS_SHOWN = 40
DELIVERIES_SHOWN = 40
EVENTS_SHOWN = 40

_MODES = {
    "normal": "Normal: every event, at once",
    "off": "Off: nothing is delivered",
    "duplicate": "Duplicate: every event twice",
    "shuffled": "Shuffled: out of order",
    "delayed": "Delayed by some seconds",
    "wrong_signature": "Signed with a wrong secret",
    "stale_signature": "Signed an hour ago",
}

_DELIVERY_BUTTONS = (
    ("now", "Now"),
    ("later", "In a minute"),
    ("never", "Never"),
    ("twice", "Twice"),
    ("out_of_order", "Out of order"),
    ("wrong_signature", "Wrong signature"),
)

_TONES = {
    "paid": "good",
    "succeeded": "good",
    "delivered": "good",
    "no_payment_required": "good",
    "complete": "good",
    "open": "calm",
    "waiting": "calm",
    "sending": "calm",
    "processing": "calm",
    "unpaid": "calm",
    "held": "dim",
    "expired": "dim",
    "failed": "bad",
}


def panel_page(world: World, *, said: str) -> str:
    body = fill(
        "panel.html",
        said=fill("_said.html", text=said) if said else Html(),
        modes=joined(_mode_option(name, label, world) for name, label in _MODES.items()),
        seconds=f"{deliveries.mode_of(world)['seconds']:g}",
        endpoint=world.endpoint.url or "none: start with --webhook-url",
        clock=_moment(world.clock.exact(), "%d %b %Y, %H:%M:%S"),
        ahead=_ahead(world),
        payments=_or_empty([_payment(world, session) for session in _latest(world, "checkout.session")]),
        deliveries=_or_empty([_delivery(row) for row in deliveries.latest(world, DELIVERIES_SHOWN)]),
        events=_or_empty([_event(event) for event in world.store.find("event", limit=EVENTS_SHOWN)]),
    )
    return page("Sandbox panel", body, wide=True)


def object_page(content: Json) -> str:
    text = json.dumps(content, indent=2, ensure_ascii=False)
    return page(content["id"], fill("object.html", id=content["id"], json=text), wide=True)


def _latest(world: World, kind: str) -> list[Json]:
    return world.store.find(kind, limit=PAYMENTS_SHOWN)


def _or_empty(rows: list[Html]) -> Html:
    return joined(rows) if rows else fill("_nothing.html")


def _mode_option(name: str, label: str, world: World) -> Html:
    chosen = Html(" selected") if deliveries.mode_of(world)["mode"] == name else Html()
    return fill("_mode_option.html", value=name, label=label, selected=chosen)


def _ahead(world: World) -> str:
    ahead = world.clock.ahead_seconds
    return f"{ahead / 3600:.1f} hours ahead" if ahead else "as the machine's"


def _payment(world: World, session: Json) -> Html:
    intent = world.store.get("payment_intent", session["payment_intent"] or "")
    charge = intent and world.store.get("charge", intent["latest_charge"] or "")
    items = world.store.hidden(session["id"])["line_items"]
    return fill(
        "_payment.html",
        id=session["id"],
        short=session["id"][:16] + "..." + session["id"][-4:],
        what=", ".join(item["description"] for item in items),
        amount=written(session["amount_total"], session["currency"]),
        moment=_moment(session["created"]),
        buyer=(session["customer_details"] or {}).get("email") or session["customer_email"] or "",
        badges=joined(_badge(text) for text in _states(session, intent, charge or None)),
        buttons=_payment_buttons(world, session, intent, charge or None),
    )


def _states(session: Json, intent: Json | None, charge: Json | None) -> list[str]:
    states = [session["status"]]
    if session["status"] == "complete":
        states.append(session["payment_status"])
    if intent and intent["status"] == "processing":
        states.append("processing")
    if charge and charge["amount_refunded"]:
        part = "" if charge["refunded"] else "partly "
        states.append(f"{part}refunded")
    if charge and charge["disputed"]:
        states.append("disputed")
    return states


def _payment_buttons(world: World, session: Json, intent: Json | None, charge: Json | None) -> Html:
    """Only what can be done now."""
    if session["status"] == "open":
        link = fill("_open_page.html", url=session["url"])
        return joined([link, _button("pay", "Pay with 4242"), _button("expire", "Expire")])
    if intent and intent["status"] == "processing":
        return joined([_button("succeed", "Debit succeeds"), _button("fail", "Debit fails")])
    if not charge or charge["status"] != "succeeded":
        return Html()
    buttons = []
    left = charge["amount"] - charge["amount_refunded"]
    if left:
        units = minor_units(charge["currency"])
        most = f"{left / units:.2f}" if units > 1 else str(left)
        buttons.append(fill("_refund.html", most=most, id=session["id"][-8:]))
    if charge["amount_refunded"]:
        buttons.append(_button("fail_refund", "Refund fails"))
    found = world.store.find("dispute", where="charge = ?", values=(charge["id"],))
    if any(dispute["status"] not in disputes.OUTCOMES for dispute in found):
        buttons += [_button("won", "Dispute won"), _button("lost", "Dispute lost")]
    else:
        buttons += [_button("dispute", "Dispute"), _button("inquiry", "Inquiry")]
    return joined([*buttons, _button("fraud_warning", "Fraud warning")])


def _delivery(row: Json) -> Html:
    last = str(row["last_status"] or row["last_error"] or "")
    due = _moment(row["due_at"]) if row["state"] == "waiting" and row["due_at"] else ""
    return fill(
        "_delivery.html",
        seq=row["seq"],
        type=row["type"],
        event=row["event"],
        moment=_moment(row["created"]),
        state=_badge(row["state"]),
        tries=f"{row['attempts']} tried" if row["attempts"] else "not tried",
        last=f"last answer: {last}" if last else "",
        due=f"next at {due}" if due else "",
        signature="" if row["signature"] == "good" else f"{row['signature']} signature",
        buttons=joined(_button(name, label) for name, label in _DELIVERY_BUTTONS),
    )


def _event(event: Json) -> Html:
    subject = event["data"]["object"]["id"]
    return fill(
        "_event.html",
        id=event["id"],
        type=event["type"],
        moment=_moment(event["created"]),
        subject=subject,
        short=subject if len(subject) < 30 else subject[:16] + "..." + subject[-4:],
    )


def _button(act: str, label: str) -> Html:
    return fill("_act.html", act=act, label=label)


def _badge(text: str) -> Html:
    return fill("_badge.html", tone=_TONES.get(text, "calm"), text=text.replace("_", " "))


def _moment(seconds: float, shape: str = "%H:%M:%S") -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime(shape) + " UTC"
