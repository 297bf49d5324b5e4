"""Many at once. Each race has a twin without the guard, which must go wrong."""

from collections import Counter
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.db import connection

from accounts.models import User
from credits.balances import balance_of
from credits.book import Posting
from credits.deposits import NewLot, grant
from credits.errors import InsufficientCredits, SourceUsed
from credits.models import Account, Entry, Lot
from credits.proof import prove
from tests.credits.conftest import Give
from tests.credits.racing import Outcome, race, without_account_lock

pytestmark = pytest.mark.django_db(transaction=True)

THREADS = 50


def spend_one_each(alice: User, give: Give, take: Any) -> list[Outcome]:
    give(20)
    give(10)
    return race(lambda number: take(1, f"job:{number}"), count=THREADS)


def is_right(outcomes: list[Outcome]) -> bool:
    """Thirty got one credit each and saw thirty different balances; twenty were told there is nothing left."""
    balances = sorted(outcome.balance for outcome in outcomes if isinstance(outcome, Posting))
    refusals = [outcome.available for outcome in outcomes if isinstance(outcome, InsufficientCredits)]
    return balances == list(range(30)) and refusals == [0] * 20


def test_fifty_spend_exactly_what_is_there(alice: User, give: Give, take: Any) -> None:
    outcomes = spend_one_each(alice, give, take)

    assert is_right(outcomes)
    assert (balance_of(alice).current, balance_of(alice).spent) == (0, 30)
    assert prove().problems == []


def test_without_the_lock_fifty_spends_go_wrong(
    alice: User, give: Give, take: Any, owner: psycopg.Connection
) -> None:
    with without_account_lock(owner):
        outcomes = spend_one_each(alice, give, take)

    assert not is_right(outcomes)
    # Wrong answers and refusals that nobody can explain, but never more credits than there were: the entry's own
    # trigger stands behind the verb.
    assert balance_of(alice).current >= 0
    assert prove().problems == []


def same_key(give: Give, take: Any) -> Counter[object]:
    give(30)
    outcomes = race(lambda number: take(1, "job:1"), count=THREADS)
    return Counter(outcome.id if isinstance(outcome, Posting) else type(outcome) for outcome in outcomes)


def test_one_key_from_fifty_threads_spends_once(alice: User, give: Give, take: Any) -> None:
    counts = same_key(give, take)

    assert list(counts.values()) == [THREADS]
    assert balance_of(alice).current == 29


def test_without_the_lock_one_key_is_not_replayed(
    alice: User, give: Give, take: Any, owner: psycopg.Connection
) -> None:
    with without_account_lock(owner):
        counts = same_key(give, take)

    assert len(counts) > 1
    assert balance_of(alice).current == 29  # the unique key held


def test_one_payment_from_fifty_threads_is_credited_once(alice: User) -> None:
    def settle(number: int) -> Posting:
        return grant(
            user=alice,
            lots=[NewLot(kind="paid", amount=200), NewLot(kind="bonus", amount=20)],
            kind="purchase",
            scope="purchases",
            key="purchase:cs_1",
            source="cs_1",
            actor=f"net {number}",
        )

    outcomes = race(settle, count=THREADS)

    assert len({getattr(outcome, "id", outcome) for outcome in outcomes}) == 1
    assert Counter(outcome.replayed for outcome in outcomes) == {True: 49, False: 1}  # type: ignore[attr-defined]
    assert (Entry.objects.count(), Account.objects.count(), balance_of(alice).current) == (2, 1, 220)


def test_one_payment_for_two_people_is_credited_to_one(alice: User, bob: User) -> None:
    def settle(number: int) -> Posting:
        return grant(
            user=(alice, bob)[number % 2],
            lots=[NewLot(kind="paid", amount=200)],
            kind="purchase",
            scope="purchases",
            key="purchase:cs_1",
            source="cs_1",
        )

    outcomes = race(settle, count=20)

    kinds = Counter(type(outcome) for outcome in outcomes)
    assert kinds == {Posting: 10, SourceUsed: 10}
    assert balance_of(alice).current + balance_of(bob).current == 200


def test_first_grants_at_once_open_one_account(alice: User, give: Give) -> None:
    outcomes = race(lambda number: give(1, key=f"gift:{number}"), count=20)

    assert sorted(outcome.balance for outcome in outcomes) == list(range(1, 21))  # type: ignore[attr-defined]
    assert Account.objects.count() == 1


def test_two_sweeps_at_once_book_a_lot_once(give: Give) -> None:
    give(5, expires_after=timedelta(milliseconds=1))
    account = Account.objects.get().pk

    def expire(_number: int) -> int:
        with connection.cursor() as cursor:
            cursor.execute("select credits_expire(%s)", [account])
            (booked,) = cursor.fetchone()
        return int(booked)

    outcomes = race(expire, count=10)

    assert sum(outcomes) == 1  # type: ignore[arg-type]
    assert Lot.objects.get().remaining == 0
