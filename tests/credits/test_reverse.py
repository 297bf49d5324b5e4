"""reverse(): a spend is taken back, in whole or in parts, never above the original."""

import uuid
from datetime import timedelta

import pytest

from accounts.models import User
from credits.balances import balance_of, history_of
from credits.book import Posting
from credits.errors import AlreadyReversed, AmountOutOfRange, KeyReused, UnknownSpend
from credits.models import Lot
from credits.proof import prove
from credits.spending import capture, hold, reverse
from tests.credits.clock import Clock
from tests.credits.conftest import Give, Take
from tests.credits.racing import race


@pytest.fixture(autouse=True)
def _proved(db: None) -> object:
    yield
    assert prove().problems == []


def undo(spend: uuid.UUID, amount: int | None = None, key: str = "undo:1") -> Posting:
    return reverse(spend=spend, amount=amount, scope="tests", key=key)


def remaining() -> list[int]:
    return list(Lot.objects.order_by("id").values_list("remaining", flat=True))


def test_all_of_a_spend_comes_back_to_its_lots(alice: User, give: Give, take: Take) -> None:
    give(5)
    give(10)
    spent = take(12, "job:1")

    posting = undo(spent.id)

    assert (posting.balance, posting.spent, posting.lifetime) == (15, 0, 15)
    assert posting.given_back == tuple(reversed(spent.taken))
    assert remaining() == [5, 10]
    assert balance_of(alice).version == posting.version


def test_parts_come_back_up_to_the_original(alice: User, give: Give, take: Take) -> None:
    give(5)
    give(10)
    spent = take(12, "job:1")

    undo(spent.id, 8, "undo:1")
    assert remaining() == [1, 10]
    undo(spent.id, 3, "undo:2")
    with pytest.raises(AlreadyReversed) as refusal:
        undo(spent.id, 2, "undo:3")
    assert refusal.value.reversible == 1
    undo(spent.id, None, "undo:4")
    with pytest.raises(AlreadyReversed):
        undo(spent.id, None, "undo:5")

    assert (balance_of(alice).current, balance_of(alice).spent) == (15, 0)


def test_same_key_reverses_once(alice: User, give: Give, take: Take) -> None:
    give(20)
    spent = take(12, "job:1")

    assert undo(spent.id, 5).id == undo(spent.id, 5).id
    with pytest.raises(KeyReused):
        undo(spent.id, 6)

    assert balance_of(alice).current == 13


def test_only_a_spend_is_reversed(alice: User, give: Give, take: Take) -> None:
    granted = give(20)
    spent = take(12, "job:1")

    for other in (granted.id, uuid.uuid4(), undo(spent.id).id):
        with pytest.raises(UnknownSpend):
            undo(other, key="undo:other")
    with pytest.raises(AmountOutOfRange):
        undo(spent.id, 0, "undo:nothing")


def test_a_capture_is_reversed_too(alice: User, give: Give) -> None:
    give(20)
    held = hold(user=alice, amount=12, scope="tests", key="job:1").hold
    assert held is not None
    captured = capture(hold=held, amount=7, scope="tests", key="capture:1")

    assert undo(captured.id).balance == 20


def test_what_comes_back_to_an_expired_lot_is_booked_at_once(
    alice: User, clock: Clock, give: Give, take: Take
) -> None:
    give(20, expires_after=timedelta(minutes=5))
    spent = take(12, "job:1")
    clock.pass_(hours=1)

    posting = undo(spent.id)

    assert (posting.balance, posting.spent) == (0, 0)
    assert [(line.kind, line.amount) for line in history_of(alice, limit=2)] == [
        ("expiry", -12),
        ("reversal", 12),
    ]
    assert balance_of(alice).current == 0


@pytest.mark.django_db(transaction=True)
def test_twenty_reversals_at_once_give_back_the_original(alice: User, give: Give, take: Take) -> None:
    give(20)
    spent = take(10, "job:1")

    outcomes = race(lambda number: undo(spent.id, 1, f"undo:{number}"), count=20)

    assert sum(isinstance(outcome, Posting) for outcome in outcomes) == 10
    assert sum(isinstance(outcome, AlreadyReversed) for outcome in outcomes) == 10
    assert balance_of(alice).current == 20
