"""Stripe's hosted pages as a buyer meets them: pay, 3-D Secure, closed, receipt. Plain forms only."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime

from sandbox import checkout_sessions, payments
from sandbox.background import run_due_jobs
from sandbox.cards import CARDS, DEBIT_TYPES, GOOD_ACCOUNTS, Card, card_numbered
from sandbox.errors import Refusal
from sandbox.hosted_view import authentication_page, closed_page, missing_page, pay_page, receipt_page
from sandbox.payments import Attempt, Buyer
from sandbox.store import Json
from sandbox.web import Request, Response, page_answer, redirect_to
from sandbox.world import World


def answer(world: World, request: Request) -> Response:
    run_due_jobs(world)
    match request.path.strip("/").split("/"):
        case ["c", "pay", identifier]:
            return _pay(world, request, identifier)
        case ["c", "pay", identifier, "promotion"] if request.method == "POST":
            return _promotion(world, request, identifier)
        case ["c", "3ds", identifier]:
            return _authenticate(world, request, identifier)
        case ["receipts", identifier]:
            charge = world.store.get("charge", identifier)
            return page_answer(receipt_page(charge)) if charge else page_answer(missing_page(), status=404)
    return page_answer(missing_page(), status=404)


def success_address(session: Json) -> str:
    """Only the placeholder as it is written counts; a percent-encoded one stays, as at Stripe."""
    return str(session["success_url"]).replace("{CHECKOUT_SESSION_ID}", session["id"])


def _pay(world: World, request: Request, identifier: str) -> Response:
    fault = world.faults.take(request.method, request.path)
    world.faults.pause(fault, "before")
    session = world.store.get("checkout.session", identifier)
    if session is None:
        return page_answer(missing_page(), status=404)
    if request.method == "POST":
        answered = _paid(world, request, session)
        world.faults.pause(fault, "after")
        return answered
    if session["status"] != "open":
        return page_answer(closed_page(session, success_address(session)))
    return page_answer(_shown(world, session, {"card_number": _prefilled(request)}))


def _paid(world: World, request: Request, session: Json) -> Response:
    """The form was sent: once more after it was complete leads to the shop again, as a double click does."""
    form = request.form()
    with world.store.transaction():
        session = checkout_sessions.retrieve(world, session["id"])
        if session["status"] == "complete":
            return redirect_to(success_address(session))
        if session["status"] != "open":
            return page_answer(closed_page(session, success_address(session)), status=410)
        problems = _problems(world, session, form)
        if problems:
            return page_answer(_shown(world, session, form, problems), status=422)
        attempt = _attempt(world, session, form)
        session = checkout_sessions.retrieve(world, session["id"])
    match attempt.outcome:
        case "authenticate":
            return redirect_to(f"{world.options.public_url}/c/3ds/{session['id']}")
        case "declined":
            return page_answer(_shown(world, session, form, {"card_number": attempt.message}), status=402)
    return redirect_to(success_address(session))


def _attempt(world: World, session: Json, form: Mapping[str, str]) -> Attempt:
    buyer = Buyer(
        email=_email(world, session, form),
        name=form.get("name", "").strip(),
        presentment_currency=form.get("presentment_currency", ""),
    )
    if session["amount_total"] == 0:
        return payments.pay_nothing(world, session["id"], buyer=buyer)
    if form.get("method") == "bank_debit":
        account = form.get("account", "").strip() or GOOD_ACCOUNTS[DEBIT_TYPES[session["currency"]]]
        return payments.pay_by_debit(world, session["id"], account=account, buyer=buyer)
    card = card_numbered(form["card_number"])
    if card is None:
        raise Refusal("This is none of the test cards.")
    return payments.pay_by_card(world, session["id"], card=card, buyer=buyer)


def _problems(world: World, session: Json, form: Mapping[str, str]) -> dict[str, str]:
    """What is wrong with which field, in the order of the page."""
    problems = {}
    if not re.fullmatch(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+", _email(world, session, form)):
        problems["email"] = "Please enter your e-mail address."
    if session["amount_total"] == 0:
        return problems
    method = form.get("method", "card")
    wanted = DEBIT_TYPES.get(session["currency"]) if method == "bank_debit" else "card"
    if wanted not in session["payment_method_types"]:
        problems["method"] = "This way to pay is not offered here."
    if method == "bank_debit" or "method" in problems:
        return problems
    return problems | _card_problems(form, datetime.fromtimestamp(world.clock.now(), UTC))


def _card_problems(form: Mapping[str, str], now: datetime) -> dict[str, str]:
    problems = {}
    number = "".join(form.get("card_number", "").split())
    if not _passes_luhn(number):
        problems["card_number"] = "Your card number is invalid."
    elif card_numbered(number) is None:
        problems["card_number"] = "Your card was declined: this is a sandbox, which takes test cards only."
    if not _is_ahead(form.get("exp", ""), now):
        problems["exp"] = "Please enter a month that lies ahead, as MM/YY."
    if not re.fullmatch("[0-9]{3,4}", form.get("cvc", "").strip()):
        problems["cvc"] = "Please enter the three or four digits of the security code."
    return problems


def _email(world: World, session: Json, form: Mapping[str, str]) -> str:
    """An address that the shop or the customer's record gives cannot be changed here."""
    customer = world.store.get("customer", session["customer"] or "")
    fixed = session["customer_email"] or (customer or {}).get("email")
    return str(fixed or form.get("email", "")).strip()


def _promotion(world: World, request: Request, identifier: str) -> Response:
    with world.store.transaction():
        session = world.store.get("checkout.session", identifier)
        if session is None:
            return page_answer(missing_page(), status=404)
        if session["status"] != "open":
            return page_answer(closed_page(session, success_address(session)), status=410)
        problem = checkout_sessions.apply_promotion_code(world, session, request.form().get("code", ""))
    if problem:
        return page_answer(_shown(world, session, {}, {"code": problem}), status=422)
    return redirect_to(session["url"])


def _authenticate(world: World, request: Request, identifier: str) -> Response:
    session = world.store.get("checkout.session", identifier)
    if session is None:
        return page_answer(missing_page(), status=404)
    if session["status"] == "complete":
        return redirect_to(success_address(session))
    if session["status"] != "open":
        return page_answer(closed_page(session, success_address(session)), status=410)
    if request.method != "POST":
        return page_answer(authentication_page(session))
    with world.store.transaction():
        try:
            attempt = payments.authenticate(
                world, identifier, authorized=request.form().get("action") == "authorize"
            )
        except Refusal:
            return redirect_to(session["url"])
        session = checkout_sessions.retrieve(world, identifier)
    if attempt.outcome == "paid":
        return redirect_to(success_address(session))
    return page_answer(_shown(world, session, {}, {"card_number": attempt.message}), status=402)


def _shown(
    world: World, session: Json, form: Mapping[str, str], problems: Mapping[str, str] | None = None
) -> str:
    items = world.store.hidden(session["id"])["line_items"]
    fixed = _email(world, session, {})
    return pay_page(
        session,
        items,
        form=form,
        problems=problems or {},
        fixed_email=fixed,
        tax_percent=checkout_sessions.tax_percent(world, session),
    )


def _prefilled(request: Request) -> str:
    asked: Card | None = card_numbered(dict(request.pairs()).get("fill", ""))
    return asked.number if asked in CARDS and asked else ""


def _passes_luhn(number: str) -> bool:
    if not re.fullmatch("[0-9]{12,19}", number):
        return False
    doubled = [int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(number))]
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0


def _is_ahead(written: str, today: datetime) -> bool:
    match = re.fullmatch(r"\s*(0?[1-9]|1[0-2])\s*/?\s*(?:20)?([0-9]{2})\s*", written)
    return match is not None and (2000 + int(match[2]), int(match[1])) >= (today.year, today.month)
