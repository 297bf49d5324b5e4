"""Processes killed while money goes back, by an operator's button or by Stripe's events: one refund, taken once."""

from collections.abc import Iterator

import pytest

from tests.buyer import Buyer, session_id
from tests.faults.house import ALTERED, House
from tests.faults.invariants import refunded_at_stripe
from tests.faults.postgres import AT_COMMIT, BEFORE
from tests.faults.visits import in_background
from tests.faults.wire import Wire

ASKS_FOR = "POST /v1/refunds"
LOOKS = "GET /v1/payment_intents/*"
HALF = 900
INSIDE = [
    pytest.param("purchases_purchase", "update", BEFORE, id="between claw-back and mark"),
    *[
        pytest.param(table, on, when, id=where, marks=pytest.mark.whole)
        for where, table, on, when in (
            ("before the refund is written", "purchases_refund", "insert or update", BEFORE),
            ("before the claw-back", "credits_transaction", "insert", BEFORE),
            ("between claw-back and balance", "credits_account", "update", BEFORE),
            ("before commit", "purchases_purchase", "update", AT_COMMIT),
        )
    ],
]


@pytest.fixture
def bought(house: House, buyer: Buyer) -> str:
    """The Checkout Session of a credited purchase."""
    back = house.stripe.pay(session_id(buyer.pay_address()))["success_url"]
    house.wait_for(lambda: buyer.get(back).state == "credited")
    return session_id(back)


@pytest.fixture
def wire(house: House) -> Iterator[Wire]:
    """What leads from the web server to Stripe."""
    wire = Wire(house.stripe.port)
    house.settings["STRIPE_API_BASE"] = f"http://127.0.0.1:{wire.port}"
    house.start_web()
    yield wire
    wire.close()


class Button:
    """An operator's form for a refund of half, previewed: the next click makes it."""

    def __init__(self, house: House, bought: str) -> None:
        ((purchase,),) = house.postgres.rows(
            "select id from purchases_purchase where stripe_session_id = %s", bought
        )
        self.operator = house.operator()
        self.address = f"/admin/purchases/purchase/{purchase}/refund/"
        asked = {"reason": "The buyer asked", "amount_minor": str(HALF)}
        filled = {**self.operator.get(self.address).hidden, **asked}
        self.confirmed = self.operator.post(self.address, **filled).hidden
        assert "confirmed" in self.confirmed

    def press(self) -> None:
        """Click, and do not wait."""
        in_background(self.operator.post, self.address, **self.confirmed)

    def press_again(self) -> str:
        """The same form, sent once more."""
        return self.operator.post(self.address, **self.confirmed).html


def heals(house: House, buyer: Buyer, bought: str) -> None:
    """By itself: half of the money, and its share of the credits, both once."""
    soon(house)
    house.start_worker()
    house.wait_for(lambda: buyer.get("/credits/").balance == 110)
    assert refunded(house, bought) == HALF
    taken = house.postgres.rows(
        "select refund.status, refund.amount_minor, purchase.credits_taken from purchases_refund refund"
        " join purchases_purchase purchase on purchase.id = refund.purchase_id where stripe_session_id = %s",
        bought,
    )
    assert taken == [("succeeded", HALF, 110)]


def soon(house: House) -> None:
    """The web server runs again, and as long has passed as the sweep leaves a refund alone."""
    house.start_web()
    house.postgres.rows("update purchases_purchase set next_sync_at = now() where next_sync_at is not null")


def refunded(house: House, bought: str) -> object:
    """What Stripe has returned of it."""
    ((intent,),) = house.postgres.rows(
        "select payment_intent from purchases_purchase where stripe_session_id = %s", bought
    )
    return refunded_at_stripe(house).get(intent, 0)


def test_killed_before_the_wish_is_committed_nothing_happened(
    house: House, buyer: Buyer, bought: str
) -> None:
    """Guard: Stripe is asked after the commit."""
    button = Button(house, bought)
    with house.postgres.pause("purchases_refund", on="insert", when=AT_COMMIT):
        button.press()
        house.wait_for(house.postgres.waiting)
        house.kill("web")

    house.start_web()
    assert "done already" in button.press_again()
    assert (refunded(house, bought), buyer.get("/credits/").balance) == (0, 220)


def test_killed_before_stripe_was_asked(house: House, buyer: Buyer, bought: str, wire: Wire) -> None:
    """Guard: the refund is committed first, and the sweep asks for it."""
    button = Button(house, bought)
    wire.silence()
    button.press()
    house.wait_for(lambda: house.postgres.rows("select 1 from purchases_refund where status = 'asking'"))
    house.kill("web")
    wire.cut()
    wire.mend()
    assert refunded(house, bought) == 0

    heals(house, buyer, bought)


def test_killed_after_stripe_acted_before_it_was_stored(house: House, buyer: Buyer, bought: str) -> None:
    """Guard: the refund's uuid is Stripe's idempotency key, and stands in its metadata."""
    killed_before_it_was_stored(house, Button(house, bought))

    heals(house, buyer, bought)


def test_without_the_key_of_the_refund_the_money_goes_back_twice(
    house: House, buyer: Buyer, bought: str
) -> None:
    """Twin of the one above: each call a key of its own."""
    house.start_web(application=ALTERED, COFFER_ALTERED="a key a refund")
    killed_before_it_was_stored(house, Button(house, bought))

    soon(house)
    assert house.json("sweep")["waiting"] == 0
    assert refunded(house, bought) == 2 * HALF


def killed_before_it_was_stored(house: House, button: Button) -> None:
    house.stripe.control("faults", endpoint=ASKS_FOR, kind="hold", when="after")
    button.press()
    house.stripe.wait_until_held()
    house.kill("web")
    house.stripe.control("release")


@pytest.mark.parametrize(("table", "on", "when"), INSIDE)
def test_killed_inside_the_booking_of_the_button(
    house: House, buyer: Buyer, bought: str, table: str, on: str, when: str
) -> None:
    """Guard: one transaction for refund, claw-back, balance and mark; the next sync is set before Stripe is asked."""
    button = Button(house, bought)
    house.stripe.control("faults", endpoint=LOOKS, kind="hold", when="after")
    button.press()
    house.stripe.wait_until_held()
    with house.postgres.pause(table, on=on, when=when):
        house.stripe.control("release")
        house.wait_for(house.postgres.waiting)
        house.kill("web")

    heals(house, buyer, bought)
    assert "done already" in button.press_again()
    assert refunded(house, bought) == HALF


@pytest.mark.parametrize(("table", "on", "when"), INSIDE)
def test_killed_inside_the_booking_of_an_event(
    house: House, buyer: Buyer, bought: str, table: str, on: str, when: str
) -> None:
    """Guard: one transaction, and an event that waits until it is done."""
    told_of_a_refund(house, bought)
    with house.postgres.pause(table, on=on, when=when):
        house.stripe.control("faults/clear")
        house.wait_for(house.postgres.waiting)
        house.kill("web")

    heals(house, buyer, bought)


def test_killed_while_an_event_asks_stripe(house: House, buyer: Buyer, bought: str) -> None:
    """Guard: an event counts as handled when it is, not when it is stored."""
    told_of_a_refund(house, bought)
    house.kill("web")
    house.stripe.control("faults/clear")

    heals(house, buyer, bought)


def told_of_a_refund(house: House, bought: str) -> None:
    """Made at Stripe's dashboard; the web server is asking what became of it."""
    house.stripe.control("faults", endpoint=LOOKS, kind="hold", when="after", count=10)
    house.stripe.control("delivery_mode", mode="normal")
    house.stripe.control(f"sessions/{bought}/refund", amount=HALF)
    house.stripe.wait_until_held()
