"""The operator's panel at `/`: what was paid, what was told, and buttons to make things happen."""

from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from urllib.parse import urlencode

from sandbox import checkout_sessions, deliveries, disputes, payments, refunds
from sandbox.background import run_due_jobs
from sandbox.cards import card_numbered
from sandbox.currencies import minor_units
from sandbox.errors import Refusal
from sandbox.panel_view import object_page, panel_page
from sandbox.payments import Buyer
from sandbox.store import Json
from sandbox.web import Request, Response, page_answer, redirect_to
from sandbox.world import World

Form = Mapping[str, str]


def answer(world: World, request: Request) -> Response:
    run_due_jobs(world)
    steps = request.path.strip("/").split("/")
    match request.method, steps:
        case "GET", [""]:
            return page_answer(panel_page(world, said=request.form().get("said", "")))
        case "GET", ["objects", identifier]:
            found = world.store.anything(identifier)
            if found is not None:
                return page_answer(object_page(found))
        case "POST", ["panel", *rest]:
            return _pressed(world, rest, request.form())
    return page_answer("<!doctype html><title>Not found</title>There is nothing here.", status=404)


def charge_of(world: World, session: Json) -> Json | None:
    """The session's latest charge that took money."""
    intent = world.store.get("payment_intent", session["payment_intent"] or "")
    charge = intent and world.store.get("charge", intent["latest_charge"] or "")
    return charge if charge and charge["status"] == "succeeded" else None


def _pressed(world: World, steps: list[str], form: Form) -> Response:
    said, place = "", steps[0] if steps else ""
    try:
        with world.store.transaction():
            _act(world, steps, form)
    except Refusal as refusal:
        said = refusal.message
    return redirect_to("/" + (f"?{urlencode({'said': said})}" if said else "") + f"#{place}")


def _act(world: World, steps: list[str], form: Form) -> None:
    match steps:
        case ["mode"]:
            deliveries.set_mode(world, mode=form.get("mode", ""), seconds=_seconds(form.get("seconds", "0")))
        case ["clock"]:
            world.clock.advance(_seconds(form.get("advance", "0")))
            run_due_jobs(world)
        case ["deliveries", "held"]:
            deliveries.deliver_held(world)
        case ["deliveries", seq] if seq.isdecimal():
            deliveries.act(world, int(seq), form.get("act", ""))
        case ["payments", identifier] if form.get("act", "") in _SESSION_ACTS:
            session = checkout_sessions.retrieve(world, identifier)
            _SESSION_ACTS[form["act"]](world, session, form)
        case _:
            raise Refusal("The panel has no such button.")


def _pay(world: World, session: Json, form: Form) -> None:
    card = card_numbered(form.get("card", "4242424242424242"))
    if card is None:
        raise Refusal("This is none of the test cards.")
    buyer = Buyer(email=session["customer_email"] or "buyer@example.com", name="Panel")
    payments.pay_by_card(world, session["id"], card=card, buyer=buyer)


def _refund(world: World, session: Json, form: Form) -> None:
    params: Json = {"charge": _paid_charge(world, session)["id"]}
    if form.get("amount", "").strip():
        params["amount"] = _amount(form["amount"], session["currency"])
    refunds.create(world, params)


def _fail_refund(world: World, session: Json, _: Form) -> None:
    made = world.store.find(
        "refund", where="charge = ? and status = 'succeeded'", values=(_paid_charge(world, session)["id"],)
    )
    if not made:
        raise Refusal("This payment has no refund that could fail.")
    refunds.fail(world, made[0]["id"])


def _dispute(world: World, session: Json, form: Form) -> None:
    disputes.open_dispute(world, _paid_charge(world, session)["id"], inquiry=form["act"] == "inquiry")


def _close_dispute(world: World, session: Json, form: Form) -> None:
    charge = _paid_charge(world, session)
    dispute = open_dispute_of(world, charge)
    if dispute is None:
        raise Refusal("This payment has no open dispute.")
    disputes.close(world, dispute["id"], outcome=form["act"])


def open_dispute_of(world: World, charge: Json) -> Json | None:
    found = world.store.find("dispute", where="charge = ?", values=(charge["id"],))
    return next((dispute for dispute in found if dispute["status"] not in disputes.OUTCOMES), None)


_SESSION_ACTS: dict[str, Callable[[World, Json, Form], None]] = {
    "pay": _pay,
    "expire": lambda world, session, _: _done(checkout_sessions.expire(world, session["id"])),
    "succeed": lambda world, session, _: payments.settle_debit(world, session["id"], succeed=True),
    "fail": lambda world, session, _: payments.settle_debit(world, session["id"], succeed=False),
    "refund": _refund,
    "fail_refund": _fail_refund,
    "dispute": _dispute,
    "inquiry": _dispute,
    "won": _close_dispute,
    "lost": _close_dispute,
    "fraud_warning": lambda world, session, _: _done(
        disputes.warn_of_fraud(world, _paid_charge(world, session)["id"])
    ),
}


def _done(_: Json) -> None:
    """A button shows nothing of what it made: the page does."""


def _paid_charge(world: World, session: Json) -> Json:
    charge = charge_of(world, session)
    if charge is None:
        raise Refusal("This session has not been paid.")
    return charge


def _seconds(written: str) -> float:
    try:
        seconds = float(written or 0)
    except ValueError:
        raise Refusal(f"{written!r} is no number of seconds.") from None
    if not 0 <= seconds <= 400 * 86400:
        raise Refusal("Seconds go from 0 to 400 days.")
    return seconds


def _amount(written: str, currency: str) -> int:
    try:
        amount = Decimal(written.strip()) * minor_units(currency)
    except InvalidOperation:
        raise Refusal(f"{written!r} is no amount.") from None
    if amount != amount.to_integral_value() or not 0 < amount < 10**9:
        raise Refusal(f"{written!r} is no amount in {currency.upper()}.")
    return int(amount)
