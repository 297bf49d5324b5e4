"""The sweep: what has expired is booked, once."""

import json
from datetime import timedelta
from io import StringIO

import psycopg
import pytest
from django.core.management import call_command
from django.db import OperationalError, connection, transaction

from accounts.models import User
from credits.balances import balance_of, history_of
from credits.models import Entry, LedgerTransaction
from credits.spending import hold
from credits.sweeping import Swept, sweep_credits
from credits.tasks import sweep_credits as sweep_credits_task
from tests.credits.clock import Clock
from tests.credits.conftest import Give, Take

SOON = timedelta(minutes=5)


def test_expired_lots_are_booked_as_entries(alice: User, clock: Clock, give: Give, take: Take) -> None:
    give(50, expires_after=SOON)
    give(8, expires_after=SOON)
    give(7)
    take(20, "job:1")
    clock.pass_(hours=1)
    before = balance_of(alice)

    swept = sweep_credits()

    assert swept == Swept(lots_expired=2, holds_released=0)
    assert [(line.kind, line.amount, line.balance_after) for line in history_of(alice, limit=2)] == [
        ("expiry", -8, 7),
        ("expiry", -30, 15),
    ]
    after = balance_of(alice)
    assert (before.current, after.current) == (7, 7)
    assert (after.lifetime, after.spent) == (65, 20)


def test_one_transaction_books_all_lots_of_an_account(clock: Clock, give: Give) -> None:
    give(5, expires_after=SOON)
    give(5, expires_after=SOON)
    clock.pass_(hours=1)

    sweep_credits()

    assert LedgerTransaction.objects.get(kind="expire").entries.count() == 2


def test_sweeping_again_books_nothing(clock: Clock, give: Give) -> None:
    give(5, expires_after=SOON)
    clock.pass_(hours=1)
    sweep_credits()

    assert sweep_credits() == Swept(lots_expired=0, holds_released=0)
    assert Entry.objects.count() == 2


def test_what_has_not_expired_stays(alice: User, give: Give) -> None:
    give(5, expires_after=timedelta(hours=1))

    assert sweep_credits().lots_expired == 0
    assert balance_of(alice).current == 5


def test_all_accounts_are_swept_in_batches(
    alice: User, bob: User, clock: Clock, give: Give, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("credits.sweeping._BATCH", 1)
    give(5, expires_after=SOON)
    give(6, user=bob, expires_after=SOON)
    clock.pass_(hours=1)

    assert sweep_credits().lots_expired == 2


def test_the_command_prints_one_object(clock: Clock, give: Give) -> None:
    give(5, expires_after=SOON)
    clock.pass_(hours=1)
    printed = StringIO()

    call_command("sweep_credits", "--json", stdout=printed)

    assert json.loads(printed.getvalue()) == {"lots_expired": 1, "holds_released": 0}


def test_the_beat_sweeps(clock: Clock, give: Give) -> None:
    give(5, expires_after=SOON)
    clock.pass_(hours=1)

    sweep_credits_task()

    assert Entry.objects.filter(kind="expiry").count() == 1


@pytest.mark.django_db(transaction=True)
def test_an_account_that_somebody_holds_waits_for_the_next_pass(
    alice: User, bob: User, clock: Clock, give: Give, owner: psycopg.Connection
) -> None:
    for user in (alice, bob):
        give(5, user=user, expires_after=SOON)
        give(7, user=user)
        hold(user=user, amount=6, scope="tests", key="job:1", expires_in=SOON)
    clock.pass_(hours=1)
    with connection.cursor() as cursor:
        cursor.execute("set lock_timeout = 100")
    with owner.transaction():
        owner.execute("select from credits_account where user_id = %s for update", [alice.pk])
        first = sweep_credits()
    second = sweep_credits()

    # Each hold's end books what it gives back to the expired lot.
    assert (first, second) == (
        Swept(lots_expired=0, holds_released=1),
        Swept(lots_expired=0, holds_released=1),
    )
    assert (balance_of(alice).current, balance_of(bob).current) == (7, 7)


@pytest.mark.django_db(transaction=True)
def test_in_a_callers_transaction_a_failure_is_the_callers(
    alice: User, clock: Clock, give: Give, owner: psycopg.Connection
) -> None:
    give(7)
    hold(user=alice, amount=6, scope="tests", key="job:1", expires_in=SOON)
    clock.pass_(hours=1)
    with connection.cursor() as cursor:
        cursor.execute("set lock_timeout = 100")
    with owner.transaction():
        owner.execute("select from credits_account where user_id = %s for update", [alice.pk])
        with pytest.raises(OperationalError), transaction.atomic():
            sweep_credits()

    assert balance_of(alice).held == 6
