"""Processes killed or frozen at exact points, and nothing lost or doubled.

The sandbox holds an answer, or an outside transaction holds a row; then the process that waits is killed.
"""

from urllib.parse import quote

import pytest

from tests.buyer import Buyer, session_id
from tests.faults.house import ALTERED, House, promised_in_seconds
from tests.faults.invariants import CREDITED, stripe_sessions
from tests.faults.postgres import AT_COMMIT, BEFORE
from tests.faults.visits import in_background, stuck, timed
from tests.sandbox_process import free_port

CREATE = "POST /v1/checkout/sessions"
RETRIEVE = "GET /v1/checkout/sessions/*"
LOCK_TIMEOUT_SECONDS = 3


def paid(house: House, buyer: Buyer) -> str:
    """Buy and pay; the address at which Stripe sends the buyer back."""
    address: str = house.stripe.pay(session_id(buyer.pay_address()))["success_url"]
    return address


def comes_to_credits(house: House, buyer: Buyer, back: str) -> None:
    """The result page, loaded again until it has an answer of Stripe's: it asks for 2.5 seconds at most."""

    def is_credited() -> bool:
        page = buyer.get(back)
        return (page.status, page.state) == (200, "credited") and page.balance == 220

    house.wait_for(is_credited)


@pytest.mark.parametrize("when", ["before", "after"])
def test_web_killed_while_a_payment_opens(house: House, buyer: Buyer, when: str) -> None:
    """Guard: the purchase is committed first, and its uuid is Stripe's idempotency key."""
    pay = buyer.choose()
    house.stripe.control("faults", endpoint=CREATE, kind="hold", when=when)
    in_background(buyer.post_once, pay)
    house.stripe.wait_until_held()
    house.kill("web")
    house.stripe.control("release")

    house.start_web()
    status, address = buyer.post_once(pay)
    assert status == 303
    comes_to_credits(house, buyer, house.stripe.pay(session_id(address))["success_url"])
    assert len(sessions_opened(house, pay)) == 1


def test_without_the_key_of_the_purchase_two_pages_could_be_paid(house: House, buyer: Buyer) -> None:
    """Twin of the one above: each call a key of its own."""
    house.start_web(application=ALTERED, COFFER_ALTERED="a key a call")
    pay = buyer.choose()
    house.stripe.control("faults", endpoint=CREATE, kind="hold", when="after")
    in_background(buyer.post_once, pay)
    house.stripe.wait_until_held()
    house.kill("web")
    house.stripe.control("release")

    house.start_web(application=ALTERED, COFFER_ALTERED="a key a call")
    buyer.post_once(pay)
    assert len(sessions_opened(house, pay)) == 2


def test_web_killed_while_the_return_page_asks_stripe(house: House, buyer: Buyer) -> None:
    """Guard: Stripe is asked outside any transaction, and whoever comes next asks again."""
    back = paid(house, buyer)
    house.stripe.control("faults", endpoint=RETRIEVE, kind="hold", when="after")
    in_background(buyer.get, back)
    house.stripe.wait_until_held()
    house.kill("web")
    house.stripe.control("release")

    house.start_web()
    comes_to_credits(house, buyer, back)


@pytest.mark.parametrize(
    ("table", "on", "when"),
    [
        ("checkout_checkoutsession", "update", BEFORE),
        ("credits_transaction", "insert", BEFORE),
        ("credits_entry", "insert", BEFORE),
        ("credits_account", "update", BEFORE),
        ("purchases_purchase", "update", BEFORE),
        ("purchases_purchase", "update", AT_COMMIT),
    ],
    ids=[
        "before the session is completed",
        "before the grant",
        "between grant and entry",
        "between entry and balance",
        "between balance and mark",
        "before commit",
    ],
)
def test_web_killed_inside_the_settling_transaction(
    house: House, buyer: Buyer, table: str, on: str, when: str
) -> None:
    """Guard: one transaction for session, grant, entries, balance and mark."""
    back = paid(house, buyer)
    with house.postgres.pause(table, on=on, when=when):
        stuck(house, buyer.get, back)
        house.kill("web")

    house.start_web()
    comes_to_credits(house, buyer, back)


def test_web_killed_after_the_commit_before_the_answer(house: House, buyer: Buyer) -> None:
    """Guard: a grant is keyed by its Checkout Session; reload shows the truth and books nothing."""
    back = paid(house, buyer)
    with house.postgres.held("lock table django_session in access exclusive mode"):
        stuck(house, buyer.get, back)
        house.kill("web")
    assert session_id(back) in {row[0] for row in house.postgres.rows(CREDITED)}

    house.start_web()
    comes_to_credits(house, buyer, back)


def test_web_killed_after_the_event_was_stored(house: House, buyer: Buyer) -> None:
    """Guard: an event counts as handled when it is, not when it is stored; Stripe's next call finds it waiting."""
    back = paid(house, buyer)
    house.stripe.control("faults", endpoint=RETRIEVE, kind="hold")
    house.stripe.control("delivery_mode", mode="normal")
    house.stripe.control("deliveries/held/now")
    house.stripe.wait_until_held()
    house.kill("web")
    house.stripe.control("release")
    assert house.postgres.rows("select count(*) from purchases_stripeevent where state = 'waiting'") != [(0,)]

    house.start_web()
    come_again(house)
    house.wait_for(lambda: buyer.get("/credits/").balance == 220)
    comes_to_credits(house, buyer, back)


@promised_in_seconds
def test_web_frozen_inside_the_settling_transaction(house: House, buyer: Buyer) -> None:
    """Guard: lock_timeout for those who wait, idle_in_transaction_session_timeout for the frozen one."""
    house.start_web(
        DATABASE_URL=with_options(house, lock_timeout="60s", idle_in_transaction_session_timeout="15s")
    )
    back = paid(house, buyer)
    other = house.start_web("second web", port=free_port())
    elsewhere = back.replace(house.base, other)
    with house.postgres.pause("purchases_purchase") as go_on:
        in_background(buyer.get, back)
        house.wait_for(house.postgres.waiting)
        house.freeze("web")
        go_on()
        page, seconds = timed(buyer.get, elsewhere)
        assert (page.status, page.headers["Retry-After"]) == (503, "5")

        house.wait_for(lambda: buyer.get(elsewhere).state == "credited")
    house.thaw("web")
    house.keeps(LOCK_TIMEOUT_SECONDS + 1.5, seconds)
    comes_to_credits(house, buyer, back)


@promised_in_seconds
def test_a_row_held_by_somebody_costs_a_clean_answer(house: House, buyer: Buyer) -> None:
    """Guard: lock_timeout, and 503 with Retry-After for what passes by itself."""
    back = paid(house, buyer)
    with house.postgres.held("select 1 from accounts_user for update"):
        page, seconds = timed(buyer.get, back)
    assert (page.status, page.headers["Retry-After"]) == (503, "5")
    house.keeps(LOCK_TIMEOUT_SECONDS + 1.5, seconds)

    comes_to_credits(house, buyer, back)


@pytest.mark.whole
def test_without_the_lock_timeout_everybody_waits(house: House, buyer: Buyer) -> None:
    """Twin of the two above: the same row, held as long, and no answer."""
    house.start_web(DATABASE_URL=with_options(house, lock_timeout="0"))
    back = paid(house, buyer)
    with house.postgres.held("select 1 from accounts_user for update"):
        waiting = in_background(buyer.get, back)
        waiting.join(timeout=LOCK_TIMEOUT_SECONDS + 1.5)
        assert waiting.is_alive()


def test_the_worker_alone_credits_what_nobody_told_us(house: House, buyer: Buyer) -> None:
    """Guard: the sweep."""
    paid(house, buyer)
    house.start_worker()

    house.wait_for(lambda: buyer.get("/credits/").balance == 220)


def test_the_worker_killed_in_its_sweep_leaves_the_purchase_to_the_next(house: House, buyer: Buyer) -> None:
    """Guard: the claim moves the next check forward, and only by minutes."""
    back = paid(house, buyer)
    house.stripe.control("faults", endpoint=RETRIEVE, kind="hold", when="after")
    house.start_worker(STRIPE_TIMEOUT_SECONDS="600")  # it waits until it is killed
    house.stripe.wait_until_held()
    house.kill("worker")
    house.stripe.control("release")

    house.manage("sweep", "--all")
    assert buyer.get("/credits/").balance == 220
    # Beat may have been due with the backfill first: then what the sweep finds is an event that waits.
    via = "select credited_via from purchases_purchase where stripe_session_id = %s"
    assert house.postgres.rows(via, session_id(back)) == [("sweep",)]


@promised_in_seconds
def test_a_webhook_alone_credits_within_two_seconds(house: House, buyer: Buyer) -> None:
    """Guard: the webhook."""
    house.stripe.control("delivery_mode", mode="normal")
    paid(house, buyer)

    house.keeps(2, house.wait_for(lambda: buyer.get("/credits/").balance == 220))


def test_web_down_when_the_webhook_came_is_told_again(house: House, buyer: Buyer) -> None:
    """Guard: nothing was acknowledged, so Stripe sends it again."""
    address = buyer.pay_address()
    house.kill("web")
    house.stripe.control("delivery_mode", mode="normal")
    house.stripe.pay(session_id(address))
    house.start_web()
    come_again(house)

    house.wait_for(lambda: buyer.get("/credits/").balance == 220)


def with_options(house: House, **options: str) -> str:
    """The database's address with these limits instead of ours."""
    told = " ".join(f"-c {name}={value}" for name, value in options.items())
    return f"{house.postgres.urls.runtime}&options={quote(told)}"


def come_again(house: House) -> None:
    """Let Stripe's next call be due, however rare they have become while the web server was starting."""
    house.stripe.control("clock", advance=3600)


def sessions_opened(house: House, pay: str) -> list[str]:
    """The sessions that Stripe has opened for one checkout session."""
    wish = pay.rstrip("/").rpartition("/")[2]
    return [one["id"] for one in stripe_sessions(house) if one["metadata"]["checkout_session"] == wish]
