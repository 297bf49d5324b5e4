"""What somebody had at an instant, and statements between two of them."""

from datetime import datetime, timedelta

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from credits.balances import PastBalance, balance_at, balance_of
from credits.deposits import NewLot, claw_back, grant
from credits.spending import capture, hold, release, reverse
from credits.statements import csv_rows, statement_of
from credits.sweeping import sweep_credits
from tests.credits.clock import START, Clock
from tests.credits.conftest import Give, Take

pytestmark = pytest.mark.django_db(transaction=True)

HOUR = timedelta(hours=1)


def numbers(user: User, instant: datetime) -> tuple[int, int, int, int]:
    past = balance_at(user, instant)
    return past.posted, past.available, past.held, past.debt


def test_before_the_first_entry_there_was_nothing(alice: User, clock: Clock, give: Give) -> None:
    assert balance_at(alice, START) == PastBalance()
    give(50)

    assert balance_at(alice, START - HOUR) == PastBalance()
    assert balance_at(AnonymousUser(), START) == PastBalance()


def test_each_instant_has_its_balance(alice: User, clock: Clock, give: Give, take: Take) -> None:
    give(50)
    for number in range(9):
        clock.pass_(hours=1)
        take(number + 1, f"job:{number}")

    posted = [balance_at(alice, START + hours * HOUR).posted for hours in range(10)]

    assert posted == [50, 49, 47, 44, 40, 35, 29, 22, 14, 5]
    assert balance_at(alice, START + 2.5 * HOUR).seq == 3


def test_it_is_one_query(alice: User, clock: Clock, give: Give) -> None:
    for _ in range(9):
        give(1)

    with CaptureQueriesContext(connection) as queries:
        balance_at(alice, START)

    assert len(queries) == 1


def test_an_expiry_counts_from_its_instant_whenever_it_was_booked(
    alice: User, clock: Clock, give: Give
) -> None:
    give(50, expires_after=HOUR)
    give(7)
    clock.pass_(hours=2)
    before_the_sweep = [numbers(alice, START + hours * HOUR) for hours in (0.9, 1, 2)]
    sweep_credits()
    clock.pass_(hours=1)
    after_it = [numbers(alice, START + hours * HOUR) for hours in (0.9, 1, 1.9, 2)]

    assert before_the_sweep == [(57, 57, 0, 0), (57, 7, 0, 0), (57, 7, 0, 0)]
    assert after_it == [(57, 57, 0, 0), (57, 7, 0, 0), (57, 7, 0, 0), (7, 7, 0, 0)]


def test_holds_stand_as_they_stood(alice: User, clock: Clock, give: Give) -> None:
    give(50, expires_after=2 * HOUR)
    first = hold(user=alice, amount=20, scope="tests", key="hold:1").hold
    clock.pass_(hours=1)
    second = hold(user=alice, amount=5, scope="tests", key="hold:2").hold
    assert first is not None
    assert second is not None
    clock.pass_(hours=2)
    capture(hold=first, amount=15, scope="tests", key="capture:1")
    clock.pass_(hours=1)
    release(hold=second, scope="tests", key="release:2")
    clock.pass_(hours=1)
    sweep_credits()
    clock.pass_(hours=1)

    seen = [numbers(alice, START + hours * HOUR) for hours in range(7)]

    assert seen == [
        (50, 30, 20, 0),
        (50, 25, 25, 0),
        (50, 0, 25, 0),  # the lot has expired, what is held has not
        (30, 0, 5, 0),  # 15 captured, 5 came back to be booked expired
        (25, 0, 0, 0),
        (0, 0, 0, 0),
        (0, 0, 0, 0),
    ]


def test_debt_stands_as_it_stood(alice: User, clock: Clock, take: Take) -> None:
    def buy(source: str) -> None:
        lot = NewLot(kind="paid", amount=50, price_minor=500, currency="USD")
        grant(user=alice, lots=[lot], kind="purchase", scope="purchases", key=source, source=source)

    buy("cs_1")
    spent = take(30, "job:1")
    clock.pass_(hours=1)
    claw_back(source="cs_1", returned_minor=500, paid_minor=500, scope="purchases", key="refund")
    clock.pass_(hours=1)
    reverse(spend=spent.id, amount=10, scope="tests", key="undo:1")
    clock.pass_(hours=1)
    buy("cs_2")

    seen = [numbers(alice, START + hours * HOUR) for hours in range(4)]

    assert seen == [(20, 20, 0, 0), (0, 0, 0, 30), (0, 0, 0, 20), (30, 30, 0, 0)]


def test_an_instant_to_come_is_now(alice: User, clock: Clock, give: Give) -> None:
    give(50, expires_after=HOUR)

    assert balance_at(alice, START + 9 * HOUR).available == balance_of(alice).available == 50


def test_a_statement_ties(alice: User, clock: Clock, give: Give, take: Take) -> None:
    give(50)
    for number in range(5):
        clock.pass_(hours=1)
        take(number + 1, f"job:{number}")

    statement = statement_of(alice, start=START + 2 * HOUR, end=START + 4 * HOUR)
    lines = statement.lines(limit=100)

    assert (statement.opening.posted, statement.closing.posted, statement.change) == (49, 44, -5)
    assert [line.amount for line in lines] == [-3, -2]
    assert list(statement.stream()) == lines
    assert statement.lines(before=lines[0].seq, limit=9) == lines[1:]
    assert statement.lines(before=10**9, limit=9) == lines


@pytest.mark.parametrize(("start", "end"), [(None, None), (None, 3), (3, None), (9, None), (None, -1)])
def test_an_open_statement_ties_too(
    alice: User, clock: Clock, give: Give, take: Take, start: int | None, end: int | None
) -> None:
    give(50)
    clock.pass_(hours=3)
    take(1, "job:1")
    clock.pass_(hours=3)
    take(2, "job:2")

    statement = statement_of(
        alice,
        start=None if start is None else START + start * HOUR,
        end=None if end is None else START + end * HOUR,
    )

    amounts = [line.amount for line in statement.lines(limit=100)]
    assert statement.opening.posted + sum(amounts) == statement.closing.posted


def test_statements_of_touching_times_share_no_entry(alice: User, clock: Clock, give: Give) -> None:
    give(1)
    middle = clock.pass_(hours=1)
    give(2)
    clock.pass_(hours=1)

    first, second = statement_of(alice, end=middle), statement_of(alice, start=middle)

    assert [line.amount for line in first.lines(limit=9)] == [1]
    assert [line.amount for line in second.lines(limit=9)] == [2]
    assert first.closing == second.opening


def test_a_file_is_read_by_a_cursor_in_the_database(alice: User, give: Give) -> None:
    for _ in range(3):
        give(1)

    rows = csv_rows(statement_of(alice))
    with CaptureQueriesContext(connection) as queries:
        next(rows)  # the titles
        next(rows)
        with connection.cursor() as cursor:
            cursor.execute("select count(*) from pg_cursors where statement like '%%credits_entry%%'")
            (open_cursors,) = cursor.fetchone()
        assert len(list(rows)) == 2

    assert open_cursors == 1
    assert "credits_entry" in queries[0]["sql"]
