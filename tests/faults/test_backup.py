"""PostgreSQL put back from a backup that is minutes old: what Stripe knows is credited again."""

import shutil

from tests.buyer import session_id
from tests.faults.house import House
from tests.faults.invariants import problems


def test_restored_from_a_backup_five_minutes_old(house: House) -> None:
    """Guard: the snapshot that we signed into Stripe's metadata (unsigned ones: tests/purchases/test_settle.py)."""
    early, between, late = (house.buyer() for _ in range(3))
    kept = house.stripe.pay(session_id(early.pay_address()))["success_url"]
    house.wait_for(lambda: early.get(kept).state == "credited")
    opened = session_id(between.pay_address())
    backup = house.folder / "backup"
    house.postgres.back_up(backup)

    lost = house.stripe.pay(session_id(late.pay_address()))["success_url"]
    house.wait_for(lambda: late.get(lost).balance == 220)
    meanwhile = house.stripe.pay(opened)["success_url"]
    house.wait_for(lambda: between.get(meanwhile).balance == 220)
    again = house.stripe.pay(session_id(early.pay_address("starter")))["success_url"]
    house.wait_for(lambda: early.get(again).balance == 270)

    house.postgres.restore(backup)
    shutil.rmtree(backup)
    assert problems(house) == ["paid Stripe sessions and credited purchases differ"]
    assert [person.get("/credits/").balance for person in (early, between, late)] == [220, 0, 0]

    house.manage("backfill_events")
    house.wait_for(lambda: not problems(house))
    assert [person.get("/credits/").balance for person in (early, between, late)] == [270, 220, 220]
    assert late.get(lost).state == "credited"
    assert house.json("prove")["missing"] == 0
