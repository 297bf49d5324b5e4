"""What buyers and banks do with a checkout session: pay, be declined, authenticate, debit, settle."""

from dataclasses import dataclass

from sandbox import catalog, checkout_sessions, events, payment_shapes
from sandbox.cards import DEBIT_TYPES, FAILING_ACCOUNTS, Card
from sandbox.currencies import converted, presentment_currencies
from sandbox.errors import Refusal
from sandbox.identifiers import new_id
from sandbox.session_shape import customer_details
from sandbox.store import Json
from sandbox.world import World


@dataclass(frozen=True, kw_only=True)
class Buyer:
    email: str
    name: str = ""
    presentment_currency: str = ""


@dataclass(frozen=True, kw_only=True)
class Attempt:
    outcome: str  # paid, declined, authenticate, processing
    message: str = ""


def pay_by_card(world: World, session_id: str, *, card: Card, buyer: Buyer) -> Attempt:
    session = _open_session(world, session_id)
    if session["amount_total"] == 0:
        return pay_nothing(world, session_id, buyer=buyer)
    if "card" not in session["payment_method_types"]:
        raise Refusal("This session does not take cards.")
    _before_payment(world, session, buyer)
    intent = _intent_for(world, session)
    if card.needs_authentication:
        return _ask_to_authenticate(world, session, intent, card, buyer)
    if card.decline_code:
        return _decline(world, intent, card, buyer)
    _charge_card(world, session, intent, card, buyer, authenticated=False)
    return Attempt(outcome="paid")


def authenticate(world: World, session_id: str, *, authorized: bool) -> Attempt:
    """The end of the 3-D Secure step."""
    session = _open_session(world, session_id)
    waiting = world.store.hidden(session_id).get("authenticating")
    if not waiting:
        raise Refusal("Nothing is waiting for authentication in this session.")
    hidden = world.store.hidden(session_id)
    del hidden["authenticating"]
    world.store.save_hidden(session_id, hidden)
    intent = world.store.known("payment_intent", session["payment_intent"])
    intent["next_action"] = None
    card, buyer = Card(**waiting["card"]), Buyer(**waiting["buyer"])
    if authorized:
        _charge_card(world, session, intent, card, buyer, authenticated=True)
        return Attempt(outcome="paid")
    message = "Your bank did not confirm this payment. Please choose another way to pay."
    _fail_intent(
        world, intent, code="payment_intent_authentication_failure", decline_code="", message=message
    )
    return Attempt(outcome="declined", message=message)


def pay_by_debit(world: World, session_id: str, *, account: str, buyer: Buyer) -> Attempt:
    """Completes the form; the money comes, or not, when the debit settles."""
    session = _open_session(world, session_id)
    if session["amount_total"] == 0:
        return pay_nothing(world, session_id, buyer=buyer)
    type = DEBIT_TYPES.get(session["currency"], "")
    if type not in session["payment_method_types"]:
        raise Refusal("This session does not take bank debits.")
    _before_payment(world, session, buyer)
    intent = _intent_for(world, session) | {"payment_method": new_id("pm_1", 23), "status": "processing"}
    charge = payment_shapes.new_charge(
        intent,
        created=world.clock.now(),
        status="pending",
        buyer=customer_details(email=buyer.email, name=buyer.name or None),
        method=payment_shapes.debit_method(type, account),
        outcome=payment_shapes.went_well(),
        receipts=_receipts(world),
    )
    intent["latest_charge"] = charge["id"]
    world.store.insert(charge, {"will_fail": account in FAILING_ACCOUNTS})
    world.store.save(intent)
    events.record(world, "charge.pending", charge)
    events.record(world, "payment_intent.processing", intent)
    _complete(world, session, buyer, payment_status="unpaid")
    if world.options.debit_seconds >= 0:
        world.schedule("settle_debit", session_id, world.clock.exact() + world.options.debit_seconds)
    return Attempt(outcome="processing")


def settle_debit(world: World, session_id: str, *, succeed: bool | None = None) -> None:
    """`succeed` None: as the account number says. Refused when nothing is under way."""
    session = checkout_sessions.retrieve(world, session_id)
    intent = world.store.get("payment_intent", session["payment_intent"] or "")
    if intent is None or intent["status"] != "processing":
        raise Refusal("No bank debit is under way for this session.")
    charge = world.store.known("charge", intent["latest_charge"])
    if succeed is None:
        succeed = not world.store.hidden(charge["id"])["will_fail"]
    if succeed:
        charge |= {"status": "succeeded", "paid": True, "receipt_url": f"{_receipts(world)}/{charge['id']}"}
        _book(world, charge)
        world.store.save(charge)
        events.record(world, "charge.succeeded", charge)
        _succeed_intent(world, intent)
        session["payment_status"] = "paid"
        world.store.save(session)
        events.record(world, "checkout.session.async_payment_succeeded", session)
        return
    message = "The customer's bank account could not be debited."
    charge |= {"status": "failed", "paid": False, "captured": False, "amount_captured": 0}
    charge |= {"failure_code": "insufficient_funds", "failure_message": message}
    charge["outcome"] = payment_shapes.went_wrong("insufficient_funds")
    world.store.save(charge)
    events.record(world, "charge.failed", charge)
    _fail_intent(world, intent, code="payment_method_provider_decline", decline_code="", message=message)
    events.record(world, "checkout.session.async_payment_failed", session)


def settle_debit_when_due(world: World, session_id: str) -> None:
    session = world.store.get("checkout.session", session_id)
    intent = session and world.store.get("payment_intent", session["payment_intent"] or "")
    if intent and intent["status"] == "processing":
        settle_debit(world, session_id)


def pay_nothing(world: World, session_id: str, *, buyer: Buyer) -> Attempt:
    """A session that costs nothing is completed without a payment intent."""
    session = _open_session(world, session_id)
    _before_payment(world, session, buyer)
    if session["amount_total"] != 0:
        raise Refusal("This session has to be paid for.")
    _complete(world, session, buyer, payment_status="no_payment_required")
    return Attempt(outcome="paid")


def _open_session(world: World, session_id: str) -> Json:
    session = checkout_sessions.retrieve(world, session_id)
    if session["status"] != "open":
        raise Refusal(f"This checkout session is {session['status']}.", status=409)
    return session


def _before_payment(world: World, session: Json, buyer: Buyer) -> None:
    """What only becomes certain with a buyer: tax, a customer, the currency that the buyer sees."""
    if session["automatic_tax"]["enabled"] and session["automatic_tax"]["status"] != "complete":
        session["automatic_tax"]["status"] = "complete"
        checkout_sessions.reckon(world, session)
    wants_customer = session["customer_creation"] == "always" or session["invoice_creation"]["enabled"]
    if session["customer"] is None and wants_customer:
        customer = catalog.create_customer(world, {"email": buyer.email, "name": buyer.name or None})
        session["customer"] = customer["id"]
        events.record(world, "customer.created", customer)
    chosen = buyer.presentment_currency
    offered = presentment_currencies(session["currency"]) if session["adaptive_pricing"]["enabled"] else []
    if chosen in offered and session["amount_total"]:
        session["presentment_details"] = {
            "presentment_amount": converted(session["amount_total"], session["currency"], chosen),
            "presentment_currency": chosen,
        }
    world.store.save(session)


def _intent_for(world: World, session: Json) -> Json:
    intent = world.store.get("payment_intent", session["payment_intent"] or "")
    if intent is None:
        asked = world.store.hidden(session["id"])["intent_data"]
        intent = world.store.insert(payment_shapes.new_intent(session, asked, created=world.clock.now()))
        session["payment_intent"] = intent["id"]
        world.store.save(session)
        events.record(world, "payment_intent.created", intent)
    intent |= {"amount": session["amount_total"], "currency": session["currency"]}
    intent |= {"customer": session["customer"], "last_payment_error": None}
    if "presentment_details" in session:
        intent["presentment_details"] = session["presentment_details"]
    return world.store.save(intent)


def _ask_to_authenticate(world: World, session: Json, intent: Json, card: Card, buyer: Buyer) -> Attempt:
    page = f"{world.options.public_url}/c/3ds/{session['id']}"
    intent |= {"status": "requires_action", "payment_method": new_id("pm_1", 23)}
    intent["next_action"] = {
        "type": "redirect_to_url",
        "redirect_to_url": {"return_url": session["url"], "url": page},
    }
    waiting = {"card": vars(card), "buyer": vars(buyer)}
    hidden = world.store.hidden(session["id"]) | {"authenticating": waiting}
    world.store.save_hidden(session["id"], hidden)
    world.store.save(intent)
    events.record(world, "payment_intent.requires_action", intent)
    return Attempt(outcome="authenticate")


def _decline(world: World, intent: Json, card: Card, buyer: Buyer) -> Attempt:
    intent["payment_method"] = None
    charge = payment_shapes.new_charge(
        intent,
        created=world.clock.now(),
        status="failed",
        buyer=customer_details(email=buyer.email, name=buyer.name or None),
        method=payment_shapes.card_method(card, intent["amount"], authenticated=False),
        receipts=_receipts(world),
        outcome=payment_shapes.went_wrong(card.decline_code),
    ) | {"failure_code": card.error_code, "failure_message": card.message}
    world.store.insert(charge)
    intent["latest_charge"] = charge["id"]
    events.record(world, "charge.failed", charge)
    _fail_intent(world, intent, code=card.error_code, decline_code=card.decline_code, message=card.message)
    return Attempt(outcome="declined", message=card.message)


def _charge_card(
    world: World, session: Json, intent: Json, card: Card, buyer: Buyer, *, authenticated: bool
) -> None:
    intent["payment_method"] = new_id("pm_1", 23)
    charge = payment_shapes.new_charge(
        intent,
        created=world.clock.now(),
        status="succeeded",
        buyer=customer_details(email=buyer.email, name=buyer.name or None),
        method=payment_shapes.card_method(card, intent["amount"], authenticated=authenticated),
        receipts=_receipts(world),
        outcome=payment_shapes.went_well(),
    )
    if "presentment_details" in session:
        charge["presentment_details"] = session["presentment_details"]
    _book(world, charge)
    world.store.insert(charge, {"refunds": card.afterwards})
    intent["latest_charge"] = charge["id"]
    events.record(world, "charge.succeeded", charge)
    _succeed_intent(world, intent)
    _complete(world, session, buyer, payment_status="paid")
    if card.afterwards in {"dispute", "inquiry", "fraud_warning"}:
        world.schedule(card.afterwards, charge["id"], world.clock.exact())


def _book(world: World, charge: Json) -> None:
    """The charge's line in the account's balance, with a fee as cards usually cost."""
    booked = payment_shapes.new_balance_transaction(
        amount=charge["amount"],
        fee=round(charge["amount"] * 0.029) + 30,
        currency=charge["currency"],
        source=charge["id"],
        type="charge" if charge["payment_method_details"]["type"] == "card" else "payment",
        created=world.clock.now(),
    )
    world.store.insert(booked)
    charge["balance_transaction"] = booked["id"]


def _succeed_intent(world: World, intent: Json) -> None:
    intent |= {"status": "succeeded", "amount_received": intent["amount"], "last_payment_error": None}
    world.store.save(intent)
    events.record(world, "payment_intent.succeeded", intent)


def _fail_intent(world: World, intent: Json, *, code: str, decline_code: str, message: str) -> None:
    error = {"type": "card_error", "code": code, "message": message}
    if decline_code:
        error["decline_code"] = decline_code
    if intent["latest_charge"]:
        error["charge"] = intent["latest_charge"]
    intent |= {"status": "requires_payment_method", "last_payment_error": error, "payment_method": None}
    world.store.save(intent)
    events.record(world, "payment_intent.payment_failed", intent)


def _complete(world: World, session: Json, buyer: Buyer, *, payment_status: str) -> None:
    session |= {
        "status": "complete",
        "payment_status": payment_status,
        "url": None,
        "customer_details": customer_details(email=buyer.email, name=buyer.name or None),
        "collected_information": {"business_name": None, "individual_name": None, "shipping_details": None},
    }
    if session["invoice_creation"]["enabled"]:
        session["invoice"] = new_id("in_1", 23)
    hidden = world.store.hidden(session["id"])
    if hidden["coupon"]:
        coupon = catalog.find(world, "coupon", hidden["coupon"])
        code = hidden["promotion_code"]
        catalog.redeem(world, coupon, catalog.find(world, "promotion_code", code) if code else None)
    world.store.save(session)
    events.record(world, "checkout.session.completed", session)


def _receipts(world: World) -> str:
    return f"{world.options.public_url}/receipts"
