"""PostgreSQL restarted, killed, cut off, starved, read-only, full, and migrated, while people buy."""

import subprocess
import time

import psycopg
import pytest

from tests.buyer import Buyer, session_id
from tests.faults import disk
from tests.faults.house import ALTERED, House, promised_in_seconds
from tests.faults.visits import Crowd, in_background, stuck

HEALS_WITHIN_SECONDS = 10


def shows(buyer: Buyer, balance: int) -> bool:
    page = buyer.get("/credits/")
    return page.status == 200 and page.balance == balance


def warm(house: House, buyer: Buyer) -> None:
    """Let every thread of every web worker open its connection."""
    for _ in range(40):
        assert shows(buyer, 0)


def statuses_after_a_restart(house: House, buyer: Buyer) -> set[int]:
    warm(house, buyer)
    house.postgres.stop("fast")
    house.postgres.start()
    return {buyer.get("/credits/").status for _ in range(40)}


def test_restarted_while_idle_costs_nobody_anything(house: House, buyer: Buyer) -> None:
    """Guard: CONN_HEALTH_CHECKS."""
    assert statuses_after_a_restart(house, buyer) == {200}


def test_without_health_checks_a_restart_costs_errors(house: House, buyer: Buyer) -> None:
    """Twin of the one above."""
    house.start_web(application=ALTERED, COFFER_ALTERED="no health checks")
    assert 503 in statuses_after_a_restart(house, buyer)


@promised_in_seconds
def test_down_is_a_503_and_heals(house: House, buyer: Buyer) -> None:
    """Guard: the connect timeout, and 503 for what passes by itself."""
    house.postgres.stop()
    page = buyer.get("/credits/")
    assert (page.status, page.headers["Retry-After"]) == (503, "5")
    assert buyer.get("/healthz/live").status == 200
    assert buyer.get("/healthz/ready").status == 503
    house.postgres.start()

    house.keeps(HEALS_WITHIN_SECONDS, house.wait_for(lambda: shows(buyer, 0)))


@promised_in_seconds
def test_killed_under_load_loses_nothing_that_was_acknowledged(house: House) -> None:
    """Guard: credits are shown after their commit, never before."""
    house.stripe.control("delivery_mode", mode="normal")
    with Crowd(house).buying(6) as crowd:
        for _ in range(2):
            bought = len(crowd.credited)
            house.wait_for(lambda at_least=bought + 5: len(crowd.credited) >= at_least)  # type: ignore[misc]
            moment = len(crowd.visits)
            house.postgres.stop("immediate")
            house.wait_for(lambda since=moment: 503 in {visit.status for visit in crowd.since(since)})  # type: ignore[misc]
            house.postgres.start()
        bought = len(crowd.credited)
        house.keeps(HEALS_WITHIN_SECONDS, house.wait_for(lambda: len(crowd.credited) > bought))
    crowd.check()


@pytest.mark.whole
def test_without_a_flush_at_commit_what_was_acknowledged_is_lost(house: House, buyer: Buyer) -> None:
    """Twin of the one above: PostgreSQL answers before it has written."""
    back = house.stripe.pay(session_id(buyer.pay_address()))["success_url"]
    with house.postgres.lazy():
        house.wait_for(lambda: buyer.get(back).balance == 220)
        house.postgres.stop("immediate")
        house.postgres.start()
        house.wait_for(lambda: shows(buyer, 0))


@promised_in_seconds
def test_killed_inside_the_settling_transaction(house: House, buyer: Buyer) -> None:
    """Guard: one transaction; a crash takes all of it back."""
    back = house.stripe.pay(session_id(buyer.pay_address()))["success_url"]
    outside = psycopg.connect(house.postgres.urls.superuser)
    outside.execute("select 1 from purchases_purchase for update")
    stuck(house, buyer.get, back)
    house.postgres.stop()
    house.postgres.start()
    outside.close()

    house.keeps(HEALS_WITHIN_SECONDS, house.wait_for(lambda: buyer.get(back).state == "credited"))


@promised_in_seconds
def test_connections_cut_under_load(house: House) -> None:
    """Guard: health checks, and 503 for a statement that was cut."""
    house.stripe.control("delivery_mode", mode="normal")
    house.start_worker()
    with Crowd(house).buying(6) as crowd:
        for _ in range(10):
            bought = len(crowd.credited)
            house.wait_for(lambda at_least=bought + 1: len(crowd.credited) >= at_least)  # type: ignore[misc]
            house.postgres.cut_connections()
    crowd.check()


@promised_in_seconds
def test_out_of_connections_is_a_503_and_heals(house: House, buyer: Buyer) -> None:
    """Guard: 503 for what passes by itself."""
    with house.postgres.without_connections():
        page = buyer.get("/credits/")
        assert (page.status, page.headers["Retry-After"]) == (503, "5")

    house.keeps(HEALS_WITHIN_SECONDS, house.wait_for(lambda: shows(buyer, 0)))


def test_without_its_503_an_outage_looks_like_a_bug(house: House, buyer: Buyer) -> None:
    """Twin of those around: every error of the database is one of ours."""
    house.start_web(application=ALTERED, COFFER_ALTERED="no 503")
    with house.postgres.without_connections():
        assert buyer.get("/credits/").status == 500
    house.wait_for(lambda: shows(buyer, 0))
    with house.postgres.read_only():
        house.wait_for(lambda: shows(buyer, 0))
        assert buyer.post("/checkout/", tier="starter").status == 500


@promised_in_seconds
def test_read_only_shows_pages_and_takes_no_orders(house: House, buyer: Buyer) -> None:
    """Guard: PostgreSQL's refusal to write is 503, not a bug of ours."""
    back = house.stripe.pay(session_id(buyer.pay_address()))["success_url"]
    with house.postgres.read_only():
        house.wait_for(lambda: buyer.get("/pricing/").status == 200)
        assert shows(buyer, 0)
        refused = [buyer.post("/checkout/", tier="starter"), buyer.get(back)]
        assert [(page.status, page.headers["Retry-After"]) for page in refused] == [(503, "5")] * 2

    house.keeps(HEALS_WITHIN_SECONDS, house.wait_for(lambda: buyer.get(back).state == "credited"))
    assert shows(buyer, 220)


@promised_in_seconds
def test_a_full_disk_shows_pages_and_takes_no_orders(house: House, buyer: Buyer) -> None:
    """Guard: PostgreSQL's refusal to grow is 503, and what it refused is undone as a whole."""
    back = house.stripe.pay(session_id(buyer.pay_address()))["success_url"]
    people = [house.buyer() for _ in range(20)]
    for person in people:
        person.get("/pricing/")
    with disk.full(house.postgres, house.folder / "disk"):
        assert buyer.get("/pricing/").status == 200
        # More than fit on the last page of the table.
        tiers = ("plus", "starter", "plus", "starter")
        answers = [person.post("/checkout/", tier=tier) for tier in tiers for person in people]
        answers.append(buyer.get(back))
        refused = [page for page in answers if page.status != 200]
        assert refused, "the disk was full for somebody"
        assert {(page.status, page.headers["Retry-After"]) for page in refused} == {(503, "5")}

    house.keeps(HEALS_WITHIN_SECONDS, house.wait_for(lambda: buyer.get(back).state == "credited"))


WAITS_FOR_A_LOCK = "select pid from pg_stat_activity where wait_event_type = 'Lock'"


def test_a_migration_waits_for_its_lock_and_reads_go_on(house: House, buyer: Buyer) -> None:
    """Guard: a migration waits for its lock a second at a time, and tries again."""
    with house.postgres.held("lock table purchases_purchase in access share mode") as long_report:
        migration = migrate(house)
        house.wait_for(
            lambda: house.postgres.rows(WAITS_FOR_A_LOCK) != []
        )  # it has begun, however slow the start
        while house.log("migrate").count("trying again") < 3:
            # Nobody met the lock timeout behind it.
            assert buyer.get("/purchases/").status == 200
            time.sleep(0.1)
        assert migration.poll() is None
        long_report.rollback()
    assert migration.wait(timeout=180) == 0
    assert house.postgres.rows("select fault_column from purchases_purchase limit 0") == []


@pytest.mark.whole
def test_without_the_lock_timeout_a_migration_holds_up_every_read(house: House, buyer: Buyer) -> None:
    """Twin of the one above: the same change by hand, which waits as long as it must."""
    change = "alter table purchases_purchase {} column fault_by_hand"
    with house.postgres.held("lock table purchases_purchase in access share mode"):
        by_hand = in_background(house.postgres.rows, f"{change.format('add')} integer")
        house.wait_for(lambda: house.postgres.rows(WAITS_FOR_A_LOCK) != [])
        assert buyer.get("/purchases/").status == 503
    by_hand.join(timeout=60)
    house.postgres.rows(change.format("drop"))


def migrate(house: House) -> "subprocess.Popen[bytes]":
    """Start a migration of the purchases' table; all other commands know nothing of it."""
    shape = {"DJANGO_SETTINGS_MODULE": "tests.faults.migrating.settings", "PYTHONUNBUFFERED": "1"}
    return house.start("migrate", "django", "migrate", "migrating", **shape)
