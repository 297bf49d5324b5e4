"""hold_purchase(): what is left of one purchase is put aside, and nothing else."""

from datetime import timedelta

import pytest

from accounts.models import User
from credits.balances import balance_of
from credits.book import Posting
from credits.deposits import NewLot, claw_back, grant
from credits.errors import KeyReused, UnknownPurchase
from credits.proof import prove
from credits.spending import hold_purchase, release, spend
from credits.sweeping import sweep_credits
from credits.transfers import transfer
from tests.credits.clock import Clock
from tests.credits.conftest import Give


@pytest.fixture(autouse=True)
def _proved(db: None) -> object:
    yield
    assert prove().problems == []


def buy(user: User, source: str = "cs_1", expires_after: timedelta | None = None) -> Posting:
    lots = [
        NewLot(kind="paid", amount=200, price_minor=1800, currency="USD", expires_after=expires_after),
        NewLot(kind="bonus", amount=20, price_minor=0, currency="USD", expires_after=expires_after),
    ]
    return grant(user=user, lots=lots, kind="purchase", scope="purchases", key=source, source=source)


def put_aside(key: str = "warning:1", source: str = "cs_1") -> Posting | None:
    return hold_purchase(source=source, scope="purchases", key=key)


def numbers(user: User) -> tuple[int, int, int]:
    balance = balance_of(user)
    return balance.current, balance.available, balance.debt


def test_only_what_is_left_of_that_purchase(alice: User, give: Give) -> None:
    buy(alice)
    buy(alice, "cs_2")
    give(7)
    spend(user=alice, amount=57, scope="tests", key="job:1")

    posting = put_aside()

    assert posting is not None
    assert posting.hold is not None
    assert posting.hold_expires_at is None
    # Gifts were spent first, of both purchases, and then 10 that were bought with the first.
    assert numbers(alice) == (390, 200, 0)


def test_the_same_key_holds_once(alice: User) -> None:
    buy(alice)
    first, second = put_aside(), put_aside()

    assert first is not None
    assert second is not None
    assert (second.hold, second.replayed) == (first.hold, True)
    assert numbers(alice) == (220, 0, 0)


def test_the_same_key_for_another_purchase_is_refused(alice: User) -> None:
    buy(alice)
    buy(alice, "cs_2")
    put_aside()

    with pytest.raises(KeyReused):
        put_aside(source="cs_2")
    assert numbers(alice) == (440, 220, 0)


def test_nothing_left_is_no_hold(alice: User) -> None:
    buy(alice)
    spend(user=alice, amount=220, scope="tests", key="job:1")

    assert put_aside() is None


def test_what_has_expired_is_not_held(alice: User, clock: Clock) -> None:
    buy(alice, expires_after=timedelta(minutes=5))
    clock.pass_(hours=1)

    assert put_aside() is None


def test_it_works_in_debt_and_ends_with_a_release(alice: User) -> None:
    buy(alice)
    spend(user=alice, amount=220, scope="tests", key="job:1")
    claw_back(source="cs_1", returned_minor=900, paid_minor=1800, scope="purchases", key="refund")
    assert put_aside("warning:2") is None
    claw_back(source="cs_1", returned_minor=0, paid_minor=1800, scope="purchases", key="refund failed")
    buy(alice, "cs_2")

    posting = put_aside(source="cs_2")
    assert posting is not None
    assert posting.hold is not None
    assert numbers(alice) == (220, 0, 0)
    release(hold=posting.hold, scope="purchases", key="released")
    assert numbers(alice) == (220, 220, 0)


def test_it_follows_a_claim(alice: User, bob: User) -> None:
    buy(alice)
    transfer(source=alice, target=bob, scope="accounts", key="claim:1")

    assert put_aside() is not None
    assert numbers(bob) == (220, 0, 0)


def test_the_same_key_holds_once_whatever_was_claimed_meanwhile(alice: User, bob: User) -> None:
    buy(alice)
    first = put_aside()
    assert first is not None
    assert first.hold is not None
    transfer(source=alice, target=bob, scope="accounts", key="claim:1")
    release(hold=first.hold, scope="purchases", key="released")

    again = put_aside()

    assert again is not None
    assert (again.hold, again.replayed) == (first.hold, True)
    with pytest.raises(KeyReused):
        hold_purchase(source="cs_1", scope="purchases", key="warning:1", description="Another")
    assert numbers(bob) == (220, 220, 0)


def test_no_sweep_ends_it(alice: User) -> None:
    buy(alice)
    put_aside()

    sweep_credits()
    assert numbers(alice) == (220, 0, 0)


def test_an_unknown_purchase_is_refused(db: None) -> None:
    with pytest.raises(UnknownPurchase):
        put_aside(source="cs_unknown")
