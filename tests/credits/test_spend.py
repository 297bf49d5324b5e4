"""spend(): credits go out, in burn order, all or nothing."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from psycopg import Cursor

from accounts.models import User
from credits import book
from credits.balances import balance_of
from credits.errors import AmountOutOfRange, InsufficientCredits, KeyReused
from credits.models import Entry, LedgerTransaction, Lot
from tests.credits.clock import Clock
from tests.credits.conftest import Give, Take


def remaining() -> list[int]:
    return list(Lot.objects.order_by("id").values_list("remaining", flat=True))


def test_spending_lowers_the_balance(alice: User, give: Give, take: Take) -> None:
    give(50)

    posting = take(20, "job:1", description="Render")

    assert (posting.balance_before, posting.balance, posting.spent, posting.lifetime) == (50, 30, 20, 50)
    assert (posting.added, posting.version) == (0, 2)
    assert LedgerTransaction.objects.get(id=Entry.objects.latest("id").transaction_id).reason == "Render"


def test_all_of_it_may_be_spent(alice: User, give: Give, take: Take) -> None:
    give(50)

    assert take(50, "job:1").available == 0
    assert balance_of(alice).current == 0


def test_spending_more_than_there_is_moves_nothing(alice: User, give: Give, take: Take) -> None:
    give(50)
    give(7)

    with pytest.raises(InsufficientCredits) as refusal:
        take(58, "job:1")

    assert (refusal.value.required, refusal.value.available) == (58, 57)
    assert balance_of(alice).current == 57
    assert LedgerTransaction.objects.count() == 2


def test_a_refused_key_may_be_used_again(give: Give, take: Take) -> None:
    give(5)
    with pytest.raises(InsufficientCredits):
        take(10, "job:1")

    give(5)

    assert take(10, "job:1").balance == 0


def test_nobody_without_credits_spends(alice: User, take: Take) -> None:
    with pytest.raises(InsufficientCredits) as refusal:
        take(1, "job:1")

    assert refusal.value.available == 0
    assert balance_of(alice).account is None


def test_same_key_spends_once(alice: User, give: Give, take: Take) -> None:
    give(50)
    first = take(20, "job:1")
    give(100)

    again = take(20, "job:1")

    assert (again.id, again.balance, again.taken) == (first.id, 30, first.taken)
    assert (first.replayed, again.replayed) == (False, True)
    assert balance_of(alice).current == 130


def test_same_key_for_another_amount_is_refused(alice: User, give: Give, take: Take) -> None:
    give(50)
    take(20, "job:1")

    with pytest.raises(KeyReused):
        take(21, "job:1")
    with pytest.raises(KeyReused):
        take(20, "job:1", description="another")
    with pytest.raises(KeyReused):
        take(20, "job:1", metadata={"a": 1})

    assert balance_of(alice).current == 30


def test_a_spend_answers_the_lots_it_took_from(give: Give, take: Take) -> None:
    give(5)
    give(10)

    posting = take(12, "job:1")

    first, second = Lot.objects.order_by("id")
    assert posting.taken == ((first.uuid, 5), (second.uuid, 7))


def test_the_lowest_priority_goes_first(give: Give, take: Take) -> None:
    give(5, priority=2)
    give(5, priority=1, kind="paid")

    take(5, "job:1")

    assert remaining() == [5, 0]


def test_the_soonest_expiry_goes_first(give: Give, take: Take) -> None:
    give(5)
    give(5, expires_after=timedelta(days=9))
    give(5, expires_after=timedelta(days=3), kind="paid")

    take(7, "job:1")

    assert remaining() == [5, 3, 0]


def test_promotional_goes_before_paid(give: Give, take: Take) -> None:
    give(5, kind="paid")
    give(5, kind="bonus")
    give(5, kind="promo")

    take(7, "job:1")

    assert remaining() == [5, 0, 3]


def test_the_oldest_goes_first(give: Give, take: Take) -> None:
    give(5)
    give(5)

    take(1, "job:1")

    assert remaining() == [4, 5]


def test_an_expired_lot_is_not_spent_though_nobody_has_booked_it(
    alice: User, clock: Clock, give: Give, take: Take
) -> None:
    give(5, expires_after=timedelta(minutes=5))
    give(5)
    clock.pass_(hours=1)

    with pytest.raises(InsufficientCredits) as refusal:
        take(6, "job:1")

    assert refusal.value.available == 5
    assert take(5, "job:2").balance == 0
    assert remaining() == [5, 0]


@pytest.mark.parametrize("amount", [0, -1, 10**12 + 1, 2**63, True, 5.0, "5", None])
def test_an_amount_is_a_whole_number_in_range(alice: User, give: Give, take: Take, amount: int) -> None:
    give(50)

    with pytest.raises(AmountOutOfRange):
        take(amount, "job:1")

    assert balance_of(alice).current == 50


def test_a_refusal_leaves_the_callers_transaction_usable(alice: User, give: Give, take: Take) -> None:
    give(5)

    with transaction.atomic():
        with pytest.raises(InsufficientCredits):
            take(6, "job:1")
        take(5, "job:2")

    assert balance_of(alice).current == 0


def test_a_spend_is_undone_with_the_callers_transaction(alice: User, give: Give, take: Take) -> None:
    give(5)

    with transaction.atomic():
        take(5, "job:1")
        transaction.set_rollback(True)

    assert balance_of(alice).current == 5


@pytest.mark.django_db(transaction=True)
def test_a_spend_outside_a_transaction_is_one_round_trip(give: Give, take: Take) -> None:
    give(5)

    with CaptureQueriesContext(connection) as queries:
        take(5, "job:1")

    assert len(queries) == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_prepared", [False, True])
def test_where_nobody_listens_it_goes_past_djangos_cursor(
    give: Give, take: Take, settings: Any, monkeypatch: pytest.MonkeyPatch, *, is_prepared: bool
) -> None:
    sent = []

    class Counted(Cursor[Any]):
        def execute(self, query: Any, params: Any = None, **options: Any) -> "Counted":
            sent.append((query.split("(")[0], options))
            return super().execute(query, params, **options)

    settings.CREDITS_PREPARED_STATEMENTS = is_prepared
    give(5)
    monkeypatch.setattr(book, "Cursor", Counted)

    take(2, "job:1")
    with pytest.raises(InsufficientCredits):
        take(4, "job:2")

    assert sent == [("select credits_tell", {"prepare": is_prepared})] * 2
