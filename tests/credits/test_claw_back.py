"""claw_back(): a refund or dispute takes credits back, as a state to reach."""

import time
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import User
from credits.balances import balance_of, history_of
from credits.book import Posting
from credits.deposits import NewLot, claw_back, grant
from credits.errors import AccountInDebt, UnknownPurchase
from credits.models import Entry, Lot
from credits.proof import prove
from credits.spending import hold, release, reverse, spend
from credits.sweeping import sweep_credits
from credits.transfers import transfer
from tests.credits.conftest import Give, Take


@pytest.fixture(autouse=True)
def _proved(db: None) -> object:
    yield
    assert prove().problems == []


def buy(user: User, source: str = "cs_1", expires_after: timedelta | None = None) -> Posting:
    """Plus: 200 and 20 for 18.00."""
    lots = [
        NewLot(kind="paid", amount=200, price_minor=1800, currency="USD", expires_after=expires_after),
        NewLot(kind="bonus", amount=20, price_minor=0, currency="USD", expires_after=expires_after),
    ]
    return grant(user=user, lots=lots, kind="purchase", scope="purchases", key=source, source=source)


def refund(returned: int, source: str = "cs_1") -> Posting | None:
    return claw_back(
        source=source,
        returned_minor=returned,
        paid_minor=1800,
        scope="purchases",
        key=f"refund of {returned}",
    )


def numbers(user: User) -> tuple[int, int, int]:
    balance = balance_of(user)
    return balance.current, balance.available, balance.debt


def test_a_full_refund_takes_everything_back(alice: User) -> None:
    buy(alice)

    posting = refund(1800)

    assert posting is not None
    assert (posting.clawed, posting.balance, posting.lifetime) == (220, 0, 220)
    assert numbers(alice) == (0, 0, 0)
    assert [(line.kind, line.amount) for line in history_of(alice, limit=2)] == [
        ("claw_back", -20),
        ("claw_back", -200),
    ]


def test_a_part_takes_each_lots_share_rounded_down(alice: User) -> None:
    buy(alice)

    refund(1000)

    assert list(Lot.objects.order_by("id").values_list("remaining", flat=True)) == [89, 9]


def test_repeats_change_nothing(alice: User) -> None:
    buy(alice)
    refund(1000)

    assert refund(1000) is None
    assert numbers(alice) == (98, 98, 0)


def test_what_is_spent_becomes_debt(alice: User) -> None:
    buy(alice)
    spend(user=alice, amount=220, scope="tests", key="job:1")

    refund(1800)

    assert numbers(alice) == (0, 0, 220)
    with pytest.raises(AccountInDebt) as refusal:
        spend(user=alice, amount=1, scope="tests", key="job:2")
    assert refusal.value.debt == 220


def test_other_paid_credits_go_before_debt_and_gifts_stay(alice: User, give: Give) -> None:
    buy(alice)
    spend(user=alice, amount=220, scope="tests", key="job:1")
    give(30, kind="paid")
    give(7)

    refund(1800)

    assert numbers(alice) == (0, 0, 190)
    assert Lot.objects.get(kind="promo").remaining == 7


def test_the_next_purchase_pays_the_debt_first(alice: User, give: Give) -> None:
    buy(alice)
    spend(user=alice, amount=220, scope="tests", key="job:1")
    refund(1800)

    give(50)
    assert numbers(alice) == (0, 0, 220)
    buy(alice, "cs_2")

    assert numbers(alice) == (0, 0, 20)


def test_buy_spend_refund_reverse_leaves_nothing_to_spend(alice: User) -> None:
    buy(alice)
    spent = spend(user=alice, amount=220, scope="tests", key="job:1")
    refund(1800)

    reverse(spend=spent.id, scope="tests", key="undo:1")

    assert numbers(alice) == (0, 0, 0)


def test_a_refund_that_fails_gives_back(alice: User) -> None:
    buy(alice)
    spend(user=alice, amount=100, scope="tests", key="job:1")
    refund(1800)
    assert numbers(alice) == (0, 0, 100)

    posting = refund(0)

    assert posting is not None
    assert posting.clawed == -220
    assert numbers(alice) == (120, 120, 0)


def test_what_was_paid_of_the_debt_comes_back_as_credits(alice: User) -> None:
    buy(alice)
    spend(user=alice, amount=220, scope="tests", key="job:1")
    refund(1800)
    buy(alice, "cs_2")
    assert numbers(alice) == (0, 0, 20)

    refund(0)

    assert numbers(alice) == (220, 220, 0)


def test_held_credits_are_left_alone(alice: User) -> None:
    buy(alice)
    held = hold(user=alice, amount=220, scope="tests", key="job:1").hold
    assert held is not None

    refund(1800)
    assert numbers(alice) == (220, 0, 220)
    release(hold=held, scope="tests", key="release:1")

    assert numbers(alice) == (0, 0, 0)


def test_what_had_expired_is_not_owed(alice: User) -> None:
    buy(alice, expires_after=timedelta(milliseconds=200))
    spend(user=alice, amount=50, scope="tests", key="job:1")
    time.sleep(0.25)
    sweep_credits()

    refund(1800)

    # Nobody used the 170 that expired; the 50 that were used are owed.
    assert numbers(alice) == (0, 0, 50)


def test_it_follows_a_claim(alice: User, bob: User, take: Take) -> None:
    buy(alice)
    transfer(source=alice, target=bob, scope="accounts", key="claim:1")

    refund(900)
    assert numbers(bob) == (110, 110, 0)
    refund(0)

    assert numbers(bob) == (220, 220, 0)


def test_a_claim_between_taking_and_giving_back(alice: User, bob: User) -> None:
    buy(alice)
    refund(1800)
    transfer(source=alice, target=bob, scope="accounts", key="claim:1")

    refund(900)

    assert numbers(bob) == (110, 110, 0)


def test_an_unknown_purchase_is_refused(alice: User) -> None:
    with pytest.raises(UnknownPurchase):
        refund(1800, "cs_unknown")


def test_a_free_purchase_returns_nothing(alice: User) -> None:
    buy(alice)

    assert claw_back(source="cs_1", returned_minor=0, paid_minor=0, scope="purchases", key="x") is None


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    states=st.lists(st.integers(-100, 2000), max_size=12),
    last=st.integers(0, 1800),
    spent=st.integers(0, 220),
)
def test_any_order_ends_the_same(alice: User, states: list[int], last: int, spent: int) -> None:
    source = f"cs_{Entry.objects.count()}_{len(states)}"
    start = numbers(alice)
    assert start[2] == 0
    buy(alice, source)
    if spent:
        undo = spend(user=alice, amount=spent, scope="tests", key=source)
    for state in [*states, last, last]:
        refund(state, source)

    taken = 200 * last // 1800 + 20 * last // 1800
    left = sum(lot.remaining for lot in Lot.objects.all()) - balance_of(alice).debt
    assert left == start[0] + 220 - spent - taken
    # Leave nothing behind for the next example.
    refund(0, source)
    if spent:
        reverse(spend=undo.id, scope="tests", key=f"undo {source}")
    assert numbers(alice) == (start[0] + 220, start[0] + 220, 0)
