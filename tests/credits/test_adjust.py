"""adjust(): an operator corrects, with a reason."""

import pytest

from accounts.models import User
from credits.adjusting import adjust
from credits.balances import balance_of, history_of
from credits.book import Posting
from credits.errors import AmountOutOfRange, InsufficientCredits, KeyReused
from credits.models import LedgerTransaction, Lot
from credits.proof import prove
from tests.credits.conftest import Give


def correct(user: User, amount: int, key: str = "ticket:1") -> Posting:
    return adjust(user=user, amount=amount, scope="desk", key=key, reason="Sorry", actor="boss@example.com")


def test_more_is_a_lot_of_its_own(alice: User) -> None:
    posting = correct(alice, 20)

    assert (posting.added, posting.balance, posting.lifetime, posting.spent) == (20, 20, 20, 0)
    assert (Lot.objects.get().kind, Lot.objects.get().remaining) == ("adjustment", 20)
    stored = LedgerTransaction.objects.get()
    assert (stored.kind, stored.reason, stored.actor) == ("adjust", "Sorry", "boss@example.com")
    assert prove().problems == []


def test_less_is_taken_in_burn_order(alice: User, give: Give) -> None:
    give(5)
    give(10)

    posting = correct(alice, -7)

    assert (posting.added, posting.balance, posting.lifetime, posting.spent) == (0, 8, 15, 0)
    assert [amount for _, amount in posting.taken] == [5, 2]
    assert [line.kind for line in history_of(alice, limit=2)] == ["adjustment", "adjustment"]
    assert prove().problems == []


def test_never_below_zero(alice: User, give: Give) -> None:
    give(5)

    with pytest.raises(InsufficientCredits):
        correct(alice, -6)

    assert balance_of(alice).current == 5


def test_same_key_corrects_once(alice: User) -> None:
    assert correct(alice, 20).id == correct(alice, 20).id
    with pytest.raises(KeyReused):
        correct(alice, -20)

    assert balance_of(alice).current == 20


@pytest.mark.parametrize("amount", [0, 10**12 + 1, -(10**12) - 1, 1.5, True, None])
def test_an_amount_is_a_whole_number_in_range(alice: User, amount: int) -> None:
    with pytest.raises(AmountOutOfRange):
        correct(alice, amount)
