"""Broker and cache down, silent or emptied; workers away, doubled or dead for days. Buyers notice nothing."""

import os
import shelve
import subprocess
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.buyer import Buyer, session_id
from tests.config.test_services import RABBITMQ, need
from tests.faults import redis
from tests.faults.house import ALTERED, House, promised_in_seconds
from tests.faults.redis import Redis
from tests.faults.visits import LONGEST_SECONDS, in_background, timed
from tests.faults.wire import Wire

BREAK: dict[str, Callable[[Redis], None]] = {
    "down": Redis.kill,
    "silent": Redis.freeze,
    "emptied": Redis.empty,
}
BREAK_THE_WIRE: dict[str, Callable[[Wire], None]] = {
    "down": Wire.close,
    "silent": Wire.silence,
    "cut": Wire.cut,
}
FAST_SECONDS = 2
DAY = 24 * 3600


@pytest.fixture
def service(house: House) -> Iterator[Redis]:
    if not redis.is_there() and not os.environ.get("CI"):
        pytest.skip("no redis-server on this machine")
    started = Redis(house.folder)
    yield started
    started.kill()


@pytest.fixture
def rabbitmq(house: House) -> Iterator[Wire]:
    """Leads to a virtual host of the machine's RabbitMQ that nobody else uses; the broker of this house."""
    need(RABBITMQ)
    wire = Wire(RABBITMQ)
    name = f"coffer-faults-{wire.port}"
    try:
        rabbitmqctl("add_vhost", name)
        rabbitmqctl("set_permissions", "-p", name, "guest", ".*", ".*", ".*")
        house.settings["CELERY_BROKER_URL"] = f"amqp://guest:guest@127.0.0.1:{wire.port}/{name}"
        yield wire
        wire.close()
    finally:
        rabbitmqctl("delete_vhost", name)


def rabbitmqctl(*words: str) -> None:
    try:
        subprocess.run(["rabbitmqctl", "--quiet", *words], check=True, capture_output=True)  # noqa: S607
    except (OSError, subprocess.CalledProcessError):
        if os.environ.get("CI"):
            raise
        pytest.skip("rabbitmqctl is not here, or not allowed")


def buy(house: House, buyer: Buyer) -> str:
    """Buy and pay; the address at which Stripe sends the buyer back."""
    address: str = house.stripe.pay(session_id(buyer.pay_address()))["success_url"]
    return address


@promised_in_seconds
@pytest.mark.parametrize("breaks", BREAK.values(), ids=BREAK.keys())
def test_the_broker_is_not_needed_to_buy(
    house: House, buyer: Buyer, service: Redis, breaks: Callable[[Redis], None]
) -> None:
    """Guard: no request waits for the broker; a worker that lost it comes back, or is started again."""
    house.settings["CELERY_BROKER_URL"] = service.url
    house.start_web()
    house.start_worker()
    house.wait_for(lambda: "ready." in house.log("worker"))
    breaks(service)
    page, seconds = timed(buyer.get, buy(house, buyer))
    assert (page.state, page.balance) == ("credited", 220)
    house.keeps(LONGEST_SECONDS, seconds)

    service.kill()
    service.start()
    buy(house, buyer)  # and nobody comes back
    house.wait_for(lambda: house.has("worker") and buyer.get("/credits/").balance == 440)


@pytest.mark.whole
def test_without_the_database_as_queue_a_silent_broker_holds_the_buyer_up(
    house: House, buyer: Buyer, service: Redis
) -> None:
    """Twin of the one above: the way back asks the broker first, and waits for its answer."""
    house.settings["CELERY_BROKER_URL"] = service.url
    house.start_web(application=ALTERED, COFFER_ALTERED="the broker first")
    back = buy(house, buyer)
    service.freeze()
    waiting = in_background(buyer.get, back)
    waiting.join(timeout=LONGEST_SECONDS)
    assert waiting.is_alive()


@promised_in_seconds
@pytest.mark.parametrize("breaks", BREAK_THE_WIRE.values(), ids=BREAK_THE_WIRE.keys())
def test_rabbitmq_is_not_needed_to_buy(
    house: House, buyer: Buyer, rabbitmq: Wire, breaks: Callable[[Wire], None]
) -> None:
    """Guard: as for Redis; and asking how the broker does costs a probe two seconds, not the system's patience."""
    house.start_web()
    house.start_worker()
    house.wait_for(lambda: "ready." in house.log("worker"))
    breaks(rabbitmq)
    for number in range(1, 4):
        page, seconds = timed(buyer.get, buy(house, buyer))
        assert (page.state, page.balance) == ("credited", number * 220)
        house.keeps(LONGEST_SECONDS, seconds)
    if breaks is not Wire.cut:
        house.wait_for(lambda: is_said_of_the_broker(house, "unreachable"))

    rabbitmq.mend()
    buy(house, buyer)  # and nobody comes back
    house.wait_for(lambda: buyer.get("/credits/").balance == 4 * 220)
    house.wait_for(lambda: is_said_of_the_broker(house, "ok"))


def is_said_of_the_broker(house: House, word: str) -> bool:
    page, seconds = timed(Buyer(house.base).get, "/healthz/ready")
    assert page.status == 200
    house.keeps(LONGEST_SECONDS, seconds)
    return f'"broker": "{word}"' in page.html


@promised_in_seconds
@pytest.mark.parametrize("breaks", BREAK.values(), ids=BREAK.keys())
def test_the_cache_is_not_needed_to_buy(
    house: House, buyer: Buyer, service: Redis, breaks: Callable[[Redis], None]
) -> None:
    """Guard: config.shared_cache takes an error for a miss, and leaves a silent cache alone for a while."""
    house.settings["CACHE_URL"] = service.url
    house.start_web()
    assert buyer.get("/credits/").balance == 0
    breaks(service)
    page, seconds = timed(buyer.get, buy(house, buyer))
    assert (page.state, page.balance) == ("credited", 220)
    house.keeps(LONGEST_SECONDS, seconds)
    _, seconds = timed(buyer.get, "/credits/")
    house.keeps(FAST_SECONDS, seconds)


def test_without_the_forgiving_cache_every_page_breaks(house: House, buyer: Buyer, service: Redis) -> None:
    """Twin of the one above."""
    house.settings["CACHE_URL"] = service.url
    house.start_web(application=ALTERED, COFFER_ALTERED="Django's own cache")
    buyer.get("/credits/")
    service.kill()
    house.wait_for(lambda: buyer.get("/credits/").status == 500)


def test_what_waited_for_a_worker_for_ten_minutes_is_caught_up(house: House) -> None:
    """Guard: the database is the queue."""
    people = [house.buyer() for _ in range(3)]
    for person in people:
        buy(house, person)
    house.postgres.rows("update purchases_purchase set next_check_at = next_check_at - interval '10 minutes'")
    house.start_worker()

    house.wait_for(lambda: [person.get("/credits/").balance for person in people] == [220] * 3)


def test_two_beats_double_nothing(house: House) -> None:
    """Guard: each pass claims its rows with SKIP LOCKED and moves them forward in the claim."""
    house.start_worker()
    house.start_worker("second worker")
    people = [house.buyer() for _ in range(8)]
    for person in people:
        buy(house, person)

    house.wait_for(lambda: [person.get("/credits/").balance for person in people] == [220] * 8)
    told = house.postgres.rows(
        "select user_id from outbox_message where topic = 'purchase.credited' group by 1, context having count(*) > 1"
    )
    assert told == []


def test_a_beat_dead_for_two_days_catches_up(house: House, buyer: Buyer) -> None:
    """Guard: every job asks what is due by the database's clock, not what was missed."""
    back, lost = buy(house, buyer), house.buyer()
    abandoned = session_id(lost.pay_address())
    two_days_ago(house, session_id(back), abandoned)
    house.stripe.control("clock", advance=2 * DAY)
    house.start_worker()
    house.wait_for(lambda: "Sending due task" in house.log("worker"))  # its schedule is written by then
    house.kill("worker")
    last_ran_two_days_ago(house.folder / "worker-schedule")
    house.start_worker()

    house.wait_for(lambda: buyer.get("/credits/").balance == 220)
    house.wait_for(lambda: state_of(house, abandoned) == ("expired", "expired"))
    assert state_of(house, session_id(back)) == ("credited", "completed")


def two_days_ago(house: House, *stripe_sessions: str) -> None:
    """Let these purchases, and the orders that they are for, have happened two days before."""
    purchases = ", ".join(f"'{one}'" for one in stripe_sessions)
    mine = f"stripe_session_id in ({purchases})"
    house.postgres.past_the_guards(
        "update checkout_checkoutsession set created_at = created_at - interval '2 days',"
        " expires_at = expires_at - interval '2 days', money_until = money_until - interval '2 days'"
        f" where id in (select checkout_session_id from purchases_purchase where {mine})",
        "update purchases_purchase set created_at = created_at - interval '2 days',"
        " stripe_expires_at = stripe_expires_at - interval '2 days',"
        f" next_check_at = next_check_at - interval '2 days' where {mine}",
    )


def last_ran_two_days_ago(schedule: Path) -> None:
    """What beat wrote down before it died."""
    with shelve.open(str(schedule)) as kept:  # noqa: S301  our own process wrote it
        entries = kept["entries"]
        for entry in entries.values():
            entry.last_run_at -= timedelta(days=2)
        kept["entries"] = entries


def state_of(house: House, stripe_session: str) -> tuple[object, ...]:
    """Of the purchase, and of the checkout session."""
    (states,) = house.postgres.rows(
        "select purchase.status, session.status from purchases_purchase purchase"
        " join checkout_checkoutsession session on session.id = purchase.checkout_session_id"
        " where purchase.stripe_session_id = %s",
        stripe_session,
    )
    return states
