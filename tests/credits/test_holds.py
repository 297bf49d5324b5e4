"""hold(), capture(), release(): put aside, and ended once."""

import uuid
from datetime import timedelta

import pytest
from django.contrib.auth.models import AnonymousUser

from accounts.models import User
from credits.balances import balance_of, history_of
from credits.book import Posting
from credits.errors import (
    AmountOutOfRange,
    HoldEnded,
    HoldRefused,
    InsufficientCredits,
    KeyReused,
    MoreThanHeld,
    UnknownHold,
)
from credits.holds import holds_of
from credits.models import Hold, HoldResolution, Lot
from credits.proof import prove
from credits.spending import capture, hold, release
from credits.sweeping import Swept, sweep_credits
from tests.credits.clock import Clock
from tests.credits.conftest import Give, Take

SOON = timedelta(minutes=5)


def put_aside(user: User, amount: int, key: str = "job:1", expires_in: timedelta | None = None) -> uuid.UUID:
    held = hold(user=user, amount=amount, scope="tests", key=key, expires_in=expires_in).hold
    assert held is not None
    return held


def take_held(held: uuid.UUID, amount: int | None = None, key: str = "capture:1") -> Posting:
    return capture(hold=held, amount=amount, scope="tests", key=key)


def let_go(held: uuid.UUID, key: str = "release:1") -> Posting:
    return release(hold=held, scope="tests", key=key)


@pytest.fixture(autouse=True)
def _proved(db: None) -> object:
    yield
    assert prove().problems == []


def numbers(user: User) -> tuple[int, int, int, int]:
    balance = balance_of(user)
    return balance.current, balance.available, balance.held, balance.spent


def test_what_is_held_cannot_be_spent(alice: User, give: Give, take: Take) -> None:
    give(50)

    posting = hold(user=alice, amount=30, scope="tests", key="job:1", expires_in=timedelta(hours=1))

    assert (posting.balance, posting.available, posting.spent) == (50, 20, 0)
    assert posting.hold_expires_at is not None
    assert numbers(alice) == (50, 20, 30, 0)
    assert posting.version == balance_of(alice).version == 2
    with pytest.raises(InsufficientCredits) as refusal:
        take(21, "job:2")
    assert refusal.value.available == 20


def test_a_hold_reserves_lot_by_lot_in_burn_order(alice: User, give: Give) -> None:
    give(5)
    give(10)

    posting = hold(user=alice, amount=12, scope="tests", key="job:1")

    lots = list(Lot.objects.order_by("id"))
    assert posting.taken == ((lots[0].uuid, 5), (lots[1].uuid, 7))
    assert [(lot.remaining, lot.held) for lot in lots] == [(5, 5), (10, 7)]


def test_holding_more_than_there_is_moves_nothing(alice: User, give: Give) -> None:
    give(50)
    put_aside(alice, 30)

    with pytest.raises(InsufficientCredits) as refusal:
        put_aside(alice, 21, "job:2")

    assert (refusal.value.required, refusal.value.available) == (21, 20)
    assert Hold.objects.count() == 1


def test_same_key_holds_once(alice: User, give: Give) -> None:
    give(50)

    assert put_aside(alice, 30) == put_aside(alice, 30)
    with pytest.raises(KeyReused):
        put_aside(alice, 31)

    assert numbers(alice) == (50, 20, 30, 0)


def test_all_of_it_is_captured(alice: User, give: Give) -> None:
    give(50)
    held = put_aside(alice, 30)

    posting = take_held(held)

    assert (posting.balance, posting.available, posting.spent) == (20, 20, 30)
    assert numbers(alice) == (20, 20, 0, 30)
    assert [(line.kind, line.amount) for line in history_of(alice, limit=1)] == [("capture", -30)]
    assert balance_of(alice).version == posting.version


def test_a_part_is_captured_and_the_rest_is_free_again(alice: User, give: Give) -> None:
    give(5)
    give(45)
    held = put_aside(alice, 30)

    posting = take_held(held, 12)

    lots = list(Lot.objects.order_by("id"))
    assert posting.taken == ((lots[0].uuid, 5), (lots[1].uuid, 7))
    assert [(lot.remaining, lot.held) for lot in lots] == [(0, 0), (38, 0)]
    assert numbers(alice) == (38, 38, 0, 12)


def test_more_than_is_held_is_not_captured(alice: User, give: Give) -> None:
    give(50)
    held = put_aside(alice, 30)

    with pytest.raises(MoreThanHeld) as refusal:
        take_held(held, 31)
    with pytest.raises(AmountOutOfRange):
        take_held(held, 0)

    assert (refusal.value.required, refusal.value.held) == (31, 30)
    assert numbers(alice) == (50, 20, 30, 0)


def test_a_released_hold_is_free_again(alice: User, give: Give) -> None:
    give(50)

    posting = let_go(put_aside(alice, 30))

    assert (posting.balance, posting.available) == (50, 50)
    assert numbers(alice) == (50, 50, 0, 0)
    assert [line.kind for line in history_of(alice)] == ["promo"]


def test_a_hold_ends_once(alice: User, give: Give) -> None:
    give(50)
    held = put_aside(alice, 30)
    take_held(held, 10)

    with pytest.raises(HoldEnded) as refusal:
        let_go(held)
    with pytest.raises(HoldEnded):
        take_held(held, 10, "capture:2")

    assert (refusal.value.hold, refusal.value.outcome) == (held, "captured")
    assert take_held(held, 10).replayed
    assert numbers(alice) == (40, 40, 0, 10)


def test_a_hold_nobody_made_is_unknown(alice: User) -> None:
    with pytest.raises(UnknownHold):
        take_held(uuid.uuid4())
    with pytest.raises(UnknownHold):
        let_go(uuid.uuid4())


def test_held_credits_outlive_their_lot(alice: User, clock: Clock, give: Give) -> None:
    give(50, expires_after=SOON)
    held = put_aside(alice, 30)
    clock.pass_(hours=1)

    swept = sweep_credits()

    assert swept == Swept(lots_expired=1, holds_released=0)
    assert numbers(alice) == (30, 0, 30, 0)
    assert take_held(held).spent == 30
    assert numbers(alice) == (0, 0, 0, 30)


def test_what_comes_back_to_an_expired_lot_is_booked_at_once(alice: User, clock: Clock, give: Give) -> None:
    give(50, expires_after=SOON)
    held = put_aside(alice, 30)
    clock.pass_(hours=1)
    sweep_credits()

    posting = take_held(held, 10)

    assert [(line.kind, line.amount) for line in history_of(alice, limit=2)] == [
        ("expiry", -20),
        ("capture", -10),
    ]
    assert (posting.balance, numbers(alice)) == (0, (0, 0, 0, 10))


def test_a_release_into_an_expired_lot_is_booked_at_once(alice: User, clock: Clock, give: Give) -> None:
    give(50, expires_after=SOON)
    held = put_aside(alice, 30)
    clock.pass_(hours=1)

    let_go(held)

    assert [(line.kind, line.amount) for line in history_of(alice, limit=1)] == [("expiry", -30)]
    assert numbers(alice) == (0, 0, 0, 0)
    assert sweep_credits().lots_expired == 1


@pytest.mark.parametrize(
    "lasts",
    [
        timedelta(days=36_526),
        timedelta(days=2_900_000),
        timedelta.max,
        timedelta(),
        timedelta(-1),
        timedelta.min,
    ],
)
def test_a_hold_of_no_time_or_beyond_the_calendar_is_refused(
    alice: User, give: Give, lasts: timedelta
) -> None:
    give(50)

    with pytest.raises(HoldRefused):
        put_aside(alice, 30, expires_in=lasts)

    assert numbers(alice) == (50, 50, 0, 0)
    assert put_aside(alice, 30, expires_in=timedelta(days=36_525))


def test_the_sweep_releases_what_is_due(alice: User, clock: Clock, give: Give) -> None:
    give(50)
    put_aside(alice, 30, expires_in=SOON)
    put_aside(alice, 5, "job:2", expires_in=timedelta(hours=2))
    put_aside(alice, 5, "job:3", expires_in=None)
    clock.pass_(hours=1)

    assert sweep_credits() == Swept(lots_expired=0, holds_released=1)
    assert sweep_credits() == Swept(lots_expired=0, holds_released=0)
    assert HoldResolution.objects.get().outcome == "expired"
    assert numbers(alice) == (50, 40, 10, 0)


def test_a_hold_that_is_over_is_not_captured_though_nobody_has_released_it(
    alice: User, clock: Clock, give: Give
) -> None:
    give(50)
    held = put_aside(alice, 30, expires_in=SOON)
    clock.pass_(hours=1)

    with pytest.raises(HoldEnded) as refusal:
        take_held(held)

    assert refusal.value.outcome == "expired"
    assert let_go(held).available == 50


def test_a_hold_that_is_over_is_not_listed_though_nobody_has_released_it(
    alice: User, clock: Clock, give: Give
) -> None:
    give(50)
    put_aside(alice, 30, expires_in=SOON)
    later = put_aside(alice, 5, "job:2", expires_in=timedelta(hours=2))
    endless = put_aside(alice, 5, "job:3", expires_in=None)
    clock.pass_(hours=1)

    assert [one.id for one in holds_of(alice)] == [endless, later]
    assert numbers(alice) == (50, 10, 40, 0)


def test_open_holds_are_listed_with_what_they_reserve(alice: User, bob: User, give: Give) -> None:
    give(5)
    give(45)
    first, second = put_aside(alice, 30), put_aside(alice, 4, "job:2")
    let_go(put_aside(alice, 1, "job:3"))

    listed = holds_of(alice)

    lots = list(Lot.objects.order_by("id").values_list("uuid", flat=True))
    assert [(one.id, one.amount, one.scope) for one in listed] == [(second, 4, "tests"), (first, 30, "tests")]
    assert listed[1].lots == ((lots[0], 5), (lots[1], 25))
    assert (holds_of(bob), holds_of(AnonymousUser())) == ([], [])
