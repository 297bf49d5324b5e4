"""Processes killed at exact points, started again, and nothing lost or doubled.

The sandbox holds an answer, or an outside transaction holds a row; then the process that waits is killed.
"""

import contextlib
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.buyer import Buyer, Page, session_id
from tests.faults.house import House

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("faults")]

CREATE = "POST /v1/checkout/sessions"
RETRIEVE = "GET /v1/checkout/sessions/*"


@pytest.fixture(scope="module")
def built() -> Iterator[House]:
    # Not pytest's own folder: another run closes that to PostgreSQL's user, where that is not ours.
    with tempfile.TemporaryDirectory(prefix="coffer-house-") as folder:
        house = House(Path(folder)).build()
        yield house
        house.stop()


@pytest.fixture
def house(built: House) -> Iterator[House]:
    """A running house without webhooks and without a worker; each test starts what it wants."""
    built.stripe.control("delivery_mode", mode="off")
    built.start_web()
    yield built
    built.stripe.control("faults/clear")
    for name in list(built.running()):
        built.kill(name)


@pytest.fixture
def buyer(house: House, request: pytest.FixtureRequest) -> Buyer:
    person = Buyer(house.base)
    person.register(f"{abs(hash(request.node.name))}@example.com")
    return person


def in_background(call: Any, *args: Any, **words: Any) -> threading.Thread:
    def run() -> None:
        with contextlib.suppress(OSError):  # its server was killed
            call(*args, **words)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


def everything_is_right(house: House, buyer: Buyer, *, balance: int = 220) -> None:
    """The invariants: the balance that is shown, the ledger in itself, and one entry for what was paid."""
    assert buyer.get("/credits/").balance == balance
    assert house.json("verify_ledger")["problems"] == []
    with psycopg.connect(house.urls.superuser) as connection:
        doubled = connection.execute(
            "select source from credits_transaction where kind = 'purchase' group by source having count(*) > 1"
        ).fetchall()
        live = connection.execute(
            "select owner_id from checkout_checkoutsession where status = 'active' group by 1 having count(*) > 1"
        ).fetchall()
    assert (doubled, live) == ([], [])


def come_back(buyer: Buyer, address: str) -> Page:
    """Follow Stripe's success_url."""
    return buyer.get(address)


@pytest.mark.parametrize("when", ["before", "after"])
def test_web_killed_while_a_payment_opens(house: House, buyer: Buyer, when: str) -> None:
    pay = buyer.choose()
    house.stripe.control("faults", endpoint=CREATE, kind="hold", when=when)
    in_background(buyer.post_once, pay)
    house.stripe.wait_until_held()
    house.kill("web")
    house.stripe.control("release")

    house.start_web()
    status, address = buyer.post_once(pay)
    assert status == 303
    paid = house.stripe.pay(session_id(address))
    assert come_back(buyer, paid["success_url"]).state == "credited"
    everything_is_right(house, buyer)


def test_web_killed_while_the_return_page_asks_stripe(house: House, buyer: Buyer) -> None:
    paid = house.stripe.pay(session_id(buyer.pay_address()))
    house.stripe.control("faults", endpoint=RETRIEVE, kind="hold", when="after")
    in_background(buyer.get, paid["success_url"])
    house.stripe.wait_until_held()
    house.kill("web")
    house.stripe.control("release")

    house.start_web()
    assert come_back(buyer, paid["success_url"]).state == "credited"
    everything_is_right(house, buyer)


@pytest.mark.parametrize("table", ["accounts_user", "checkout_checkoutsession", "purchases_purchase"])
def test_web_killed_inside_the_settling_transaction(house: House, buyer: Buyer, table: str) -> None:
    paid = house.stripe.pay(session_id(buyer.pay_address()))
    with psycopg.connect(house.urls.superuser) as outside:
        outside.execute(f"select 1 from {table} for update")
        in_background(buyer.get, paid["success_url"])
        house.wait_for(lambda: waiting_for_a_lock(house))
        house.kill("web")

    house.start_web()
    assert come_back(buyer, paid["success_url"]).state == "credited"
    everything_is_right(house, buyer)


def test_a_row_held_by_a_frozen_worker_costs_a_clean_answer(house: House, buyer: Buyer) -> None:
    paid = house.stripe.pay(session_id(buyer.pay_address()))
    with psycopg.connect(house.urls.superuser) as outside:
        outside.execute("select 1 from accounts_user for update")
        assert come_back(buyer, paid["success_url"]).status == 503

    assert come_back(buyer, paid["success_url"]).state == "credited"
    everything_is_right(house, buyer)


def test_the_worker_alone_credits_what_nobody_told_us(house: House, buyer: Buyer) -> None:
    house.stripe.pay(session_id(buyer.pay_address()))
    house.start_worker()

    house.wait_for(lambda: buyer.get("/credits/").balance == 220)
    everything_is_right(house, buyer)


def test_the_worker_killed_in_its_sweep_leaves_the_purchase_to_the_next(house: House, buyer: Buyer) -> None:
    house.stripe.pay(session_id(buyer.pay_address()))
    house.stripe.control("faults", endpoint=RETRIEVE, kind="hold", when="after")
    house.start_worker()
    house.stripe.wait_until_held()
    house.kill("worker")
    house.stripe.control("release")

    assert house.json("sweep", "--all")["credited"] == 1
    everything_is_right(house, buyer)


def test_a_webhook_alone_credits_within_two_seconds(house: House, buyer: Buyer) -> None:
    house.stripe.control("delivery_mode", mode="normal")
    house.stripe.pay(session_id(buyer.pay_address()))

    house.wait_for(lambda: buyer.get("/credits/").balance == 220, seconds=2)
    everything_is_right(house, buyer)


def test_web_down_when_the_webhook_came_is_told_again(house: House, buyer: Buyer) -> None:
    address = buyer.pay_address()
    house.kill("web")
    house.stripe.control("delivery_mode", mode="normal")
    house.stripe.pay(session_id(address))
    house.start_web()

    house.wait_for(lambda: buyer.get("/credits/").balance == 220)
    everything_is_right(house, buyer)


def test_postgres_killed_between_paying_and_coming_back(house: House, buyer: Buyer) -> None:
    paid = house.stripe.pay(session_id(buyer.pay_address()))
    house.kill_postgres()

    house.wait_for(lambda: come_back(buyer, paid["success_url"]).state == "credited")
    everything_is_right(house, buyer)


def test_postgres_killed_inside_the_settling_transaction(house: House, buyer: Buyer) -> None:
    paid = house.stripe.pay(session_id(buyer.pay_address()))
    outside = psycopg.connect(house.urls.superuser)
    outside.execute("select 1 from purchases_purchase for update")
    in_background(buyer.get, paid["success_url"])
    house.wait_for(lambda: waiting_for_a_lock(house))
    house.kill_postgres()
    outside.close()

    house.wait_for(lambda: come_back(buyer, paid["success_url"]).state == "credited")
    everything_is_right(house, buyer)


def test_postgres_down_is_a_503_and_heals(house: House, buyer: Buyer) -> None:
    house.stop_postgres()
    answer = buyer.get("/credits/")
    assert answer.status == 503
    assert buyer.get("/healthz/live").status == 200
    house.start_postgres()

    house.wait_for(lambda: buyer.get("/credits/").balance == 0, seconds=10)


def waiting_for_a_lock(house: House) -> bool:
    with psycopg.connect(house.urls.superuser) as connection:
        waiting = connection.execute("select count(*) from pg_locks where not granted").fetchone()
        return waiting is not None and waiting[0] > 0
