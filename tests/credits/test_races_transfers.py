"""Transfers both ways at once, and the twin that does not lock in the order of the accounts."""

import psycopg
import pytest
from django.db import OperationalError

from accounts.models import User
from credits.balances import balance_of
from credits.book import Posting
from credits.errors import AccountMerged
from credits.proof import prove
from credits.transfers import transfer
from tests.credits.conftest import Give
from tests.credits.racing import MEET, Outcome, race, replaced

pytestmark = pytest.mark.django_db(transaction=True)

SORTED = "perform from credits_account where user_id in (p_from_user_id, p_to_user_id) order by id for no key update;"
GIVER_FIRST = (
    f"perform from credits_account where user_id = p_from_user_id for no key update; {MEET}"
    "perform from credits_account where user_id = p_to_user_id for no key update;"
)


def both_ways(alice: User, bob: User, give: Give, *, count: int = 10) -> list[Outcome]:
    give(5)
    give(7, user=bob)

    def act(number: int) -> object:
        source, target = (alice, bob) if number % 2 else (bob, alice)
        return transfer(source=source, target=target, scope="accounts", key=f"claim:{source.pk}")

    return race(act, count=count)


def test_one_way_wins_and_nobody_waits_for_ever(alice: User, bob: User, give: Give) -> None:
    outcomes = both_ways(alice, bob, give)

    assert {type(outcome) for outcome in outcomes} == {Posting, AccountMerged}
    assert sorted((balance_of(alice).current, balance_of(bob).current)) == [0, 12]
    assert prove().problems == []


def test_without_the_order_they_wait_for_each_other(
    alice: User, bob: User, give: Give, owner: psycopg.Connection
) -> None:
    with replaced(owner, {"credits_transfer": lambda source: source.replace(SORTED, GIVER_FIRST)}):
        outcomes = both_ways(alice, bob, give, count=2)

    assert any(
        isinstance(outcome, OperationalError) for outcome in outcomes
    )  # a deadlock, found by PostgreSQL
    assert balance_of(alice).current + balance_of(bob).current == 12
    assert prove().problems == []
