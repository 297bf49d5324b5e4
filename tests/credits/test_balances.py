"""What somebody has, read."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.http import HttpRequest
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from credits.balances import Balance, balance_of, history_of
from credits.context_processors import credits_balance
from credits.holds import holds_of
from tests.credits.clock import Clock
from tests.credits.conftest import Give, Take


def test_without_an_account_all_is_zero(alice: User) -> None:
    assert balance_of(alice) == Balance()


def test_a_visitor_has_nothing_and_costs_nothing(db: None) -> None:
    with CaptureQueriesContext(connection) as queries:
        assert balance_of(AnonymousUser()) == Balance()

    assert len(queries) == 0


def test_the_balance_is_one_query(alice: User, give: Give, take: Take) -> None:
    give(50, expires_after=timedelta(days=1))
    posting = take(20, "job:1")

    with CaptureQueriesContext(connection) as queries:
        balance = balance_of(alice)

    assert len(queries) == 1
    assert (balance.account, balance.version) == (posting.account, posting.version)
    assert (balance.current, balance.available, balance.held, balance.debt) == (30, 30, 0, 0)
    assert (balance.lifetime, balance.spent) == (50, 20)


@pytest.mark.django_db(transaction=True)
def test_expired_credits_do_not_count_though_nobody_has_booked_them(
    alice: User, clock: Clock, give: Give
) -> None:
    give(50, expires_after=timedelta(minutes=5))
    give(7)
    before = balance_of(alice)
    clock.pass_(hours=1)

    after = balance_of(alice)

    assert before.next_expiry is not None
    assert (before.current, after.current, after.next_expiry) == (57, 7, None)


def test_the_next_expiry_is_the_soonest(alice: User, give: Give) -> None:
    give(50, expires_after=timedelta(days=9))
    give(50, expires_after=timedelta(days=3))
    give(50)

    soonest = balance_of(alice).next_expiry

    assert soonest is not None
    assert timedelta(days=2) < soonest - history_of(alice)[0].created_at < timedelta(days=4)


def test_history_is_newest_first_with_a_running_balance(alice: User, give: Give, take: Take) -> None:
    give(50)
    take(20, "job:1", description="Render")

    lines = history_of(alice)

    assert [(line.seq, line.kind, line.amount, line.balance_after) for line in lines] == [
        (2, "spend", -20, 30),
        (1, "promo", 50, 50),
    ]
    assert lines[0].description == "Render"
    assert lines[0].lot == lines[1].lot
    assert lines[0].id != lines[1].id


def test_history_goes_on_below_a_number(alice: User, bob: User, give: Give) -> None:
    for amount in (1, 2, 3, 4):
        give(amount)
        give(100, user=bob)

    assert [line.amount for line in history_of(alice, limit=2)] == [4, 3]
    assert [line.amount for line in history_of(alice, before=3, limit=2)] == [2, 1]


def test_history_is_one_query(alice: User, give: Give) -> None:
    give(1)
    give(2)

    with CaptureQueriesContext(connection) as queries:
        history_of(alice)

    assert len(queries) == 1


def test_the_header_asks_only_when_a_page_shows_it(alice: User, give: Give) -> None:
    give(50)
    request = HttpRequest()
    request.user = alice

    with CaptureQueriesContext(connection) as queries:
        context = credits_balance(request)
        assert len(queries) == 0
        shown = (context["credits_balance"].available, context["credits_balance"].version)

    assert shown == (50, 1)
    assert len(queries) == 1


def test_the_header_of_a_visitor_is_empty(db: None) -> None:
    request = HttpRequest()
    request.user = AnonymousUser()

    assert not credits_balance(request)["credits_balance"]
    assert credits_balance(HttpRequest()) == {"credits_balance": None}


def test_a_visitor_has_no_history_and_no_holds(db: None) -> None:
    assert (history_of(AnonymousUser()), holds_of(AnonymousUser())) == ([], [])
