"""claw_back(): a refund or dispute takes credits back, as a state to reach."""

import uuid
from datetime import timedelta
from typing import Any
from unittest import mock

import pytest
from django.db import transaction
from django.db.models import F
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
from tests.credits.clock import Clock
from tests.credits.conftest import STEPS, Give, Take
from tests.twins import bitten


@pytest.fixture(autouse=True)
def _proved(db: None) -> object:
    yield
    assert prove().problems == []


def buy(
    user: User,
    source: str = "cs_1",
    *,
    bonus: int = 20,
    paid_priority: int | None = None,
    expires_after: timedelta | None = None,
) -> Posting:
    """Plus: 200 and 20 for 18.00."""
    terms: dict[str, Any] = {"currency": "USD", "expires_after": expires_after}
    lots = [
        NewLot(kind="paid", amount=200, price_minor=1800, priority=paid_priority, **terms),
        NewLot(kind="bonus", amount=bonus, price_minor=0, **terms),
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


def test_without_debt_what_is_reversed_after_a_refund_could_be_spent(alice: User) -> None:
    """The twin: a refund takes no more than there is."""
    with mock.patch.dict(globals(), refund=lambda _returned: None), bitten("(220, 220, 0) == (0, 0, 0)"):
        test_buy_spend_refund_reverse_leaves_nothing_to_spend(alice)


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


def test_what_had_expired_is_not_owed(alice: User, clock: Clock) -> None:
    buy(alice, expires_after=timedelta(minutes=5))
    spend(user=alice, amount=50, scope="tests", key="job:1")
    clock.pass_(hours=1)
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


def test_what_comes_back_after_a_claim_repays_what_is_owed_there(alice: User, bob: User) -> None:
    buy(alice)
    refund(1800)
    buy(bob, "cs_2")
    spend(user=bob, amount=150, scope="tests", key="job:1")
    refund(1800, "cs_2")
    transfer(source=alice, target=bob, scope="accounts", key="claim:1")
    assert numbers(bob) == (0, 0, 150)

    refund(0)

    assert numbers(bob) == (70, 70, 0)


def test_what_one_lot_owes_is_cancelled_before_another_comes_back(alice: User) -> None:
    buy(alice)
    spend(user=alice, amount=7, scope="tests", key="job:1")

    refund(1800)
    refund(0)
    assert list(Lot.objects.order_by("id").values_list("remaining", flat=True)) == [200, 13]
    refund(1799)

    assert numbers(alice) == (0, 0, 5)
    assert list(Lot.objects.order_by("id").values_list("remaining", flat=True)) == [0, 0]


def test_what_is_left_of_a_purchase_goes_before_debt(alice: User) -> None:
    buy(alice, paid_priority=1)
    spend(user=alice, amount=150, scope="tests", key="job:1")

    refund(900)

    assert numbers(alice) == (0, 0, 40)


def test_an_unknown_purchase_is_refused(alice: User) -> None:
    with pytest.raises(UnknownPurchase):
        refund(1800, "cs_unknown")


def test_a_free_purchase_returns_nothing(alice: User) -> None:
    buy(alice)

    assert claw_back(source="cs_1", returned_minor=0, paid_minor=0, scope="purchases", key="x") is None


Event = tuple[str, int, int]  # which refund or dispute, its how manieth state, what it holds


class Case:
    """One purchase after some use, and what Stripe says of its refunds and disputes, event by event."""

    def __init__(
        self, *, bonus: int, paid_priority: int | None, gift: int, other: int, spent: int, held: int
    ) -> None:
        self.user = User.objects.create_user(f"{uuid.uuid4()}@example.com")
        self.source = f"cs_{self.user.pk}"
        self.holding: dict[str, tuple[int, int]] = {}  # by refund or dispute: its version, what it holds
        if gift:
            lot = NewLot(kind="promo", amount=gift, priority=101)
            grant(user=self.user, lots=[lot], scope="tests", key="gift")
        buy(self.user, self.source, bonus=bonus, paid_priority=paid_priority)
        if other:
            lot = NewLot(kind="paid", amount=other)
            grant(user=self.user, lots=[lot], scope="tests", key="other")
        if spent:
            spend(user=self.user, amount=spent, scope="tests", key="job:1")
        if held:
            hold(user=self.user, amount=held, scope="tests", key="job:2")

    def hear(self, events: list[Event]) -> "Case":
        """Each event in turn: the latest state of that refund or dispute, and then the sum of all."""
        for which, version, amount in events:
            self.holding[which] = max(self.holding.get(which, (-1, 0)), (version, amount))
            refund(sum(amount for _, amount in self.holding.values()), self.source)
        lots = Lot.objects.filter(account__user=self.user, is_open=True).order_by("id")
        self.lots = list(lots.values_list("remaining", flat=True))
        self.left, self.debt = sum(self.lots), balance_of(self.user).debt
        return self

    @property
    def is_short(self) -> bool:
        """A lot's share was not found in the lot itself."""
        taken = Entry.objects.filter(kind="claw_back", account__user=self.user)
        return taken.exclude(lot=F("transaction__about_lot")).exists()


@st.composite
def event_sequences(draw: st.DrawFn) -> tuple[list[Event], list[Event]]:
    """The events of up to three refunds and two disputes as they happened, and as they arrived: shuffled, repeated."""
    happened = []
    for which in draw(
        st.lists(st.sampled_from(["re_1", "re_2", "re_3", "dp_1", "dp_2"]), min_size=1, unique=True)
    ):
        amounts = draw(st.lists(st.sampled_from([0, 1, 450, 900, 1799, 1800]), min_size=1, max_size=3))
        happened += [(which, version, amount) for version, amount in enumerate(amounts)]
    repeated = happened + draw(st.lists(st.sampled_from(happened), max_size=4))
    return happened, draw(st.permutations(repeated))


cases = st.fixed_dictionaries(
    {
        "bonus": st.sampled_from([1, 20, 300]),
        "paid_priority": st.sampled_from([1, 100]),
        "gift": st.sampled_from([0, 9]),
        "other": st.sampled_from([0, 30, 100]),
        "spent": st.integers(0, 150),
        "held": st.integers(0, 50),
    }
)


@settings(max_examples=max(STEPS // 10, 100), deadline=None, suppress_health_check=list(HealthCheck))
@given(events=event_sequences(), case=cases)
def test_events_in_any_order_and_number_end_the_same(
    db: None, events: tuple[list[Event], list[Event]], case: dict[str, Any]
) -> None:
    happened, arrived = events
    with transaction.atomic():
        one, other = (Case(**case).hear(order) for order in (happened, arrived))
        is_short = one.is_short or other.is_short
        transaction.set_rollback(True)

    latest = {which: amount for which, _, amount in happened}
    returned = min(sum(latest.values()), 1800)
    taken = 200 * returned // 1800 + case["bonus"] * returned // 1800
    given = 200 + case["bonus"] + case["gift"] + case["other"]
    assert (one.left, one.debt) == (other.left, other.debt)
    assert one.lots == other.lots or is_short
    assert one.left - one.debt == given - case["spent"] - taken
