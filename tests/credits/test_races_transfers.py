"""Transfers both ways at once, and one that meets what follows it; and the twins that lock in another order."""

import time
from collections.abc import Callable
from threading import Event

import psycopg
import pytest
from django.db import OperationalError, transaction

from accounts.models import User
from credits.balances import balance_of
from credits.book import Posting
from credits.errors import AccountMerged
from credits.gifts import give_each
from credits.proof import prove
from credits.spending import hold, release
from credits.transfers import transfer
from tests.conftest import superuser_connection
from tests.credits.conftest import Give
from tests.credits.racing import MEET, Outcome, race, replaced
from tests.together import together

Besides = Callable[[User, User], object]

pytestmark = pytest.mark.django_db(transaction=True)

SORTED = "perform credits_lock_unmerged(array[p_from_user_id, p_to_user_id]);"
GIVER_FIRST = (
    f"perform from credits_account where user_id = p_from_user_id for no key update; {MEET}"
    "perform from credits_account where user_id = p_to_user_id for no key update;"
)
UNMERGED = " and merged_into_id is null"
ASKED_ANEW = f"v_account_id{UNMERGED} for no key update;"
ASKED_BEFORE = "v_account_id for no key update; perform pg_sleep(0.5);"


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


def claim_again(alice: User, bob: User) -> object:
    return transfer(source=bob, target=alice, scope="accounts", key="claim:1")


def give_both(alice: User, bob: User) -> object:
    return give_each(users=[alice, bob], amount=3, kind="promo", scope="tests", key="campaign")


BESIDES = [claim_again, give_both]


def while_a_hold_ends(
    besides: Besides, alice: User, bob: User, give: Give, owner: psycopg.Connection
) -> list[Outcome]:
    """Bob's account went to Alice's; the hold he left there ends, and something else needs hers, and has to wait."""
    give(5)
    give(7, user=bob)
    held = hold(user=bob, amount=7, scope="tests", key="job:1").hold
    assert held is not None
    claim_again(alice, bob)
    locked, keep_waiting = keeping(owner, alice)

    def act() -> object:
        locked.wait()
        return besides(alice, bob)

    def end() -> object:
        wait_for(1)
        return release(hold=held, scope="tests", key="release:1")

    return together(keep_waiting, act, end)


def keeping(owner: psycopg.Connection, person: User) -> tuple[Event, Callable[[], object]]:
    """What locks the account of `person` until two wait for something, and the sign that it has."""
    locked = Event()

    def keep_waiting() -> object:
        with owner.transaction():
            owner.execute("select from credits_account where user_id = %s for update", [person.pk])
            locked.set()
            wait_for(2)
        return None

    return locked, keep_waiting


def wait_for(count: int) -> None:
    """Until so many connections wait for a lock."""
    waiting = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
    with superuser_connection() as superuser:
        while superuser.execute(waiting).fetchall() < [(count,)]:
            time.sleep(0.02)


@pytest.mark.parametrize("besides", BESIDES)
def test_nobody_waits_for_what_follows_a_claim(
    alice: User, bob: User, give: Give, owner: psycopg.Connection, besides: Besides
) -> None:
    outcomes = while_a_hold_ends(besides, alice, bob, give, owner)

    assert [outcome for outcome in outcomes if isinstance(outcome, Exception)] == []
    assert balance_of(bob).current == 0
    assert prove().problems == []


@pytest.mark.parametrize("besides", BESIDES)
def test_in_the_order_of_numbers_alone_they_do(
    alice: User, bob: User, give: Give, owner: psycopg.Connection, besides: Besides
) -> None:
    with replaced(owner, {"credits_lock_unmerged": lambda source: source.replace(UNMERGED, "")}):
        outcomes = while_a_hold_ends(besides, alice, bob, give, owner)

    assert any(isinstance(outcome, OperationalError) for outcome in outcomes)
    assert prove().problems == []


def while_a_claim_ends(
    besides: Besides, alice: User, bob: User, give: Give, owner: psycopg.Connection
) -> list[Outcome]:
    """Bob's account goes to Alice's while something else waits for both, and the end of a hold for his."""
    give(5)
    give(7, user=bob)
    held = hold(user=bob, amount=7, scope="tests", key="job:1").hold
    assert held is not None
    locked = Event()

    def claim_slowly() -> object:
        with transaction.atomic():
            claim_again(alice, bob)
            locked.set()
            wait_for(2)
        return None

    def act() -> object:
        locked.wait()
        return besides(alice, bob)

    def end() -> object:
        locked.wait()
        return release(hold=held, scope="tests", key="release:1")

    return together(claim_slowly, act, end)


@pytest.mark.parametrize("besides", BESIDES)
def test_nobody_waits_for_who_saw_the_claim_too_late(
    alice: User, bob: User, give: Give, owner: psycopg.Connection, besides: Besides
) -> None:
    outcomes = while_a_claim_ends(besides, alice, bob, give, owner)

    assert [outcome for outcome in outcomes if isinstance(outcome, Exception)] == []
    assert balance_of(bob).current == 0
    assert prove().problems == []


@pytest.mark.parametrize("besides", BESIDES)
def test_locked_as_it_was_before_the_claim_they_do(
    alice: User, bob: User, give: Give, owner: psycopg.Connection, besides: Besides
) -> None:
    with replaced(owner, {"credits_lock_unmerged": lambda source: source.replace(ASKED_ANEW, ASKED_BEFORE)}):
        outcomes = while_a_claim_ends(besides, alice, bob, give, owner)

    assert any(isinstance(outcome, OperationalError) for outcome in outcomes)
    assert prove().problems == []


def newcomer(alice: User, bob: User, give: Give, owner: psycopg.Connection) -> list[Outcome]:
    """Alice's account goes to Bob, who has none yet, while both are given something."""
    give(5)
    locked, keep_waiting = keeping(owner, alice)

    def give_first() -> object:
        locked.wait()
        return give_both(alice, bob)

    def claim() -> object:
        wait_for(1)
        return transfer(source=alice, target=bob, scope="accounts", key="claim:1")

    return together(keep_waiting, give_first, claim)


def test_a_newcomers_account_is_opened_last(
    alice: User, bob: User, give: Give, owner: psycopg.Connection
) -> None:
    outcomes = newcomer(alice, bob, give, owner)

    assert [outcome for outcome in outcomes if isinstance(outcome, Exception)] == []
    assert balance_of(bob).current == 11
    assert prove().problems == []


def test_opened_first_they_wait_for_each_other(
    alice: User, bob: User, give: Give, owner: psycopg.Connection
) -> None:
    opened = f"perform credits_open_account(p_to_user_id); {SORTED}"
    with replaced(owner, {"credits_transfer": lambda source: source.replace(SORTED, opened)}):
        outcomes = newcomer(alice, bob, give, owner)

    assert any(isinstance(outcome, OperationalError) for outcome in outcomes)
    assert prove().problems == []
