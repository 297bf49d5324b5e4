"""Stripe slow, silent, broken or locked up: a friendly 503 or "processing", never "failed", never long."""

import time
from typing import Any

import pytest

from tests.buyer import Buyer, session_id
from tests.faults.house import ALTERED, House, promised_in_seconds
from tests.faults.visits import LONGEST_SECONDS, in_background, timed

CREATE = "POST /v1/checkout/sessions"
RETRIEVE = "GET /v1/checkout/sessions/*"
EVERYTHING = "* /v1/*"
FAULTS: dict[str, dict[str, Any]] = {
    "away": {"kind": "reset"},
    "reset after acting": {"kind": "reset", "when": "after"},
    "half an answer": {"kind": "half", "when": "after"},
    "HTML with 200": {"kind": "html"},
    "429": {"kind": "status", "status": 429},
    "500": {"kind": "status", "status": 500},
    "503": {"kind": "status", "status": 503},
    "key revoked": {"kind": "status", "status": 401},
}
FAST_SECONDS = 3  # 1.5 of them are the patience of purchases.stripe_gateway.places


@promised_in_seconds
@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_pay_says_sorry_and_the_session_stays(house: House, buyer: Buyer, fault: dict[str, Any]) -> None:
    """Guard: no answer is no refusal; the purchase stays, or a new one takes its place."""
    pay = buyer.choose()
    house.stripe.control("faults", endpoint=EVERYTHING, count=100, **fault)
    page, seconds = timed(buyer.post, pay)
    assert (page.status, page.headers["Retry-After"]) == (503, "10")
    house.keeps(LONGEST_SECONDS, seconds)
    assert "failed" not in page.html.lower()
    house.stripe.control("faults/clear")

    status, address = buyer.post_once(pay)
    assert status == 303
    assert buyer.get(house.stripe.pay(session_id(address))["success_url"]).balance == 220


@promised_in_seconds
@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_the_return_page_says_processing(house: House, buyer: Buyer, fault: dict[str, Any]) -> None:
    """Guard: only Stripe says that a payment failed."""
    back = house.stripe.pay(session_id(buyer.pay_address()))["success_url"]
    house.stripe.control("faults", endpoint=EVERYTHING, count=100, **fault)
    page, seconds = timed(buyer.get, back)
    assert (page.status, page.state) == (200, "processing")
    house.keeps(LONGEST_SECONDS, seconds)
    assert "failed" not in page.html.lower()
    house.stripe.control("faults/clear")

    assert buyer.get(back).balance == 220


def test_a_webhook_that_cannot_ask_is_kept_and_asks_again(house: House, buyer: Buyer) -> None:
    """Guard: the event is stored before it is handled, and answered 500 until it is."""
    house.stripe.control("faults", endpoint=RETRIEVE, kind="status", status=503, count=100)
    house.stripe.control("delivery_mode", mode="normal")
    house.stripe.pay(session_id(buyer.pay_address()))
    told = "deliveries?type=checkout.session.completed&limit=1"
    house.wait_for(lambda: house.stripe.control(told)["deliveries"][0]["last_status"] == 500)
    assert buyer.get("/credits/").balance == 0
    house.stripe.control("faults/clear")
    house.stripe.control("clock", advance=3600)  # its next call is due

    house.wait_for(lambda: buyer.get("/credits/").balance == 220)


@promised_in_seconds
def test_a_silent_stripe_costs_seconds_not_minutes(house: House, buyer: Buyer) -> None:
    """Guard: STRIPE_TIMEOUT_SECONDS for Pay, 2.5 seconds for the return page."""
    pay = buyer.choose()
    house.stripe.control("faults", endpoint=EVERYTHING, kind="hold", count=100)
    page, seconds = timed(buyer.post, pay)
    assert page.status == 503
    house.keeps(LONGEST_SECONDS, seconds)
    house.stripe.control("faults/clear")

    back = house.stripe.pay(session_id(buyer.pay_address()))["success_url"]
    house.stripe.control("faults", endpoint=EVERYTHING, kind="hold", count=100)
    page, seconds = timed(buyer.get, back)
    assert page.state == "processing"
    house.keeps(3, seconds)
    house.stripe.control("faults/clear")
    assert buyer.get(back).balance == 220


@promised_in_seconds
def test_many_slow_answers_cost_no_more_than_one(house: House, buyer: Buyer) -> None:
    """Guard: stripe_gateway.patience, one for all the calls of Pay."""
    pay, seconds = pays_while_every_call_is_slow(house, buyer)
    house.keeps(LONGEST_SECONDS, seconds)

    house.stripe.control("faults/clear")
    status, address = buyer.post_once(pay)
    assert status == 303
    assert buyer.get(house.stripe.pay(session_id(address))["success_url"]).balance == 220
    customers = house.stripe.requests(method="POST", path="/v1/customers")
    assert len({call["idempotency_key"] for call in customers[-2:]}) == 1


@pytest.mark.whole
def test_without_patience_the_slow_answers_add_up(house: House, buyer: Buyer) -> None:
    """Twin of the one above."""
    _, seconds = pays_while_every_call_is_slow(
        house, buyer, application=ALTERED, COFFER_ALTERED="no patience"
    )
    assert seconds > LONGEST_SECONDS


def pays_while_every_call_is_slow(house: House, buyer: Buyer, **web: Any) -> tuple[str, float]:
    """A page whose answer was lost is asked for again, then ended; a customer, then a page for what is wanted now."""
    house.stripe.control("faults", endpoint=CREATE, kind="reset", count=2)
    assert buyer.post(buyer.choose("starter")).status == 503
    house.settings["STRIPE_CUSTOMERS"] = "true"
    house.start_web(**web)
    pay = buyer.choose()
    house.stripe.control("faults", endpoint=CREATE, kind="delay", seconds=3)
    house.stripe.control("faults", endpoint=f"{CREATE}/*/expire", kind="delay", seconds=1)
    house.stripe.control("faults", endpoint=EVERYTHING, kind="hold", count=100)
    page, seconds = timed(buyer.post, pay)
    assert page.status == 503
    return pay, seconds


@promised_in_seconds
def test_other_pages_stay_fast_while_stripe_is_silent(house: House, buyer: Buyer) -> None:
    """Guard: a web server keeps threads that do not wait for Stripe."""
    house.keeps(FAST_SECONDS, slowest_page_while_twelve_pay(house, buyer))


@pytest.mark.whole
def test_without_places_a_silent_stripe_takes_every_thread(house: House, buyer: Buyer) -> None:
    """Twin of the one above."""
    house.start_web(STRIPE_CONCURRENT_CALLS="100")
    assert slowest_page_while_twelve_pay(house, buyer) > FAST_SECONDS


def slowest_page_while_twelve_pay(house: House, buyer: Buyer) -> float:
    people = [house.buyer() for _ in range(12)]
    pays = [person.choose() for person in people]
    house.stripe.control("faults", endpoint=EVERYTHING, kind="hold", count=1000)
    clicks = [in_background(person.post, pay) for person, pay in zip(people, pays, strict=True)]
    house.stripe.wait_until_held(2)
    shown: list[float] = []
    while any(click.is_alive() for click in clicks) and max(shown, default=0) < FAST_SECONDS:
        page, seconds = timed(buyer.get, "/pricing/")
        assert page.status == 200
        shown.append(seconds)
        time.sleep(0.05)
    house.stripe.control("faults/clear")
    for click in clicks:
        click.join()
    return max(shown)
