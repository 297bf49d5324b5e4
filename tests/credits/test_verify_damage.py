"""A superuser with the triggers off changes a column of a row, removes a row, or adds one: the proof finds it."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import psycopg
import pytest
from psycopg import errors, sql
from psycopg.rows import dict_row

from accounts.models import User
from credits.adjusting import adjust
from credits.deposits import NewLot, claw_back, grant
from credits.proof import prove
from credits.spending import capture, hold, release, reverse, spend
from credits.sweeping import sweep_credits
from credits.transfers import transfer
from tests.conftest import superuser_connection
from tests.credits.attacks import TABLES
from tests.credits.clock import Clock
from tests.credits.conftest import STEPS, Give

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

# What no other row vouches for: the number of a row that nothing refers to, whose account it is, since when.
NOT_PROVED = {
    ("credits_account", "user_id"),
    ("credits_account", "created_at"),
    ("credits_entry", "id"),
    ("credits_hold_line", "id"),
}
OTHERWISE = {
    "bigint": "coalesce({0}, 0) + 1",
    "smallint": "{0} + 1",
    "character varying": "{0} || 'x'",
    "bytea": "sha256({0})",
    "timestamp with time zone": "coalesce({0}, now()) + interval '1 second'",
    "uuid": "gen_random_uuid()",
    "boolean": "not {0}",
    "jsonb": "{0} || '{{\"x\": 1}}'",
}


def held(user: User, amount: int, key: str, expires_in: timedelta | None = None) -> uuid.UUID:
    posting = hold(user=user, amount=amount, scope="tests", key=key, expires_in=expires_in)
    assert posting.hold is not None
    return posting.hold


@pytest.fixture
def ledger(alice: User, bob: User, clock: Clock, give: Give) -> None:
    """Every verb has been used: a purchase taken back, a merged guest, holds with each end, a reversal, an expiry."""
    guest = User.objects.create(email=None, is_guest=True)
    lots = [NewLot(kind="paid", amount=50, price_minor=500, currency="USD"), NewLot(kind="bonus", amount=5)]
    words = {"scope": "tests", "key": "cs_1", "source": "cs_1", "purchase_ref": "ref"}
    grant(user=guest, lots=lots, kind="purchase", **words)  # type: ignore[arg-type]
    held(guest, 4, "hold:guest")
    transfer(source=guest, target=alice, scope="tests", key="claim")
    spent = spend(user=alice, amount=45, scope="tests", key="job:1")
    reverse(spend=spent.id, amount=10, scope="tests", key="undo:1")
    claw_back(source="cs_1", returned_minor=500, paid_minor=500, scope="tests", key="refund")
    give(20, user=bob)
    give(5, user=bob, expires_after=timedelta(minutes=5), priority=200)
    held(bob, 3, "hold:1")
    capture(hold=held(bob, 4, "hold:2"), amount=1, scope="tests", key="capture")
    release(hold=held(bob, 5, "hold:3"), scope="tests", key="release")
    held(bob, 1, "hold:4", timedelta(minutes=5))
    adjust(user=bob, amount=2, reason="reason", actor="actor", scope="tests", key="adjust")
    clock.pass_(hours=1)
    sweep_credits()
    assert prove().problems == []


@pytest.fixture
def superuser() -> Iterator[psycopg.Connection]:
    with superuser_connection() as superuser:
        superuser.execute("set session_replication_role = replica")
        yield superuser


@contextmanager
def damaged(superuser: psycopg.Connection, table: str, statement: str) -> Iterator[bool]:
    """The statement done, and undone at the end of the block; False where even now a constraint refuses it."""
    copy = sql.Identifier(f"kept_{table}")
    name = sql.Identifier(table)
    superuser.execute(sql.SQL("create temporary table {} as select * from {}").format(copy, name))
    try:
        try:
            superuser.execute(statement)
        except (errors.CheckViolation, errors.UniqueViolation, errors.NotNullViolation, errors.DataError):
            yield False
        else:
            yield True
    finally:
        superuser.execute(sql.SQL("delete from {}").format(name))
        superuser.execute(sql.SQL("insert into {} select * from {}").format(name, copy))
        superuser.execute(sql.SQL("drop table {}").format(copy))


def columns_of(superuser: psycopg.Connection, table: str) -> list[tuple[str, str]]:
    return superuser.execute(
        "select column_name, data_type from information_schema.columns where table_name = %s order by 1",
        [table],
    ).fetchall()


def rows_of(superuser: psycopg.Connection, table: str) -> list[str]:
    """How a few rows, from the first to the last, are told from the others; all of them in the long run."""
    key = "hold_id" if table == "credits_hold_resolution" else "id"
    rows = superuser.cursor(row_factory=dict_row).execute(f"select {key} from {table} order by 1").fetchall()
    step = 1 if STEPS >= 1000 else max(len(rows) // 3, 1)
    return [f"{key} = {row[key]}" for row in rows[::-step]]


@pytest.mark.parametrize("table", TABLES)
def test_a_changed_column_is_found(ledger: None, superuser: psycopg.Connection, table: str) -> None:
    unnoticed, tried = set(), set()
    for column, kind in columns_of(superuser, table):
        other = OTHERWISE[kind].format(column)
        for row in rows_of(superuser, table):
            statement = (
                f"update {table} set {column} = {other} where {row} and {column} is distinct from {other}"
            )
            with damaged(superuser, table, statement) as is_done:
                if is_done:
                    tried.add(column)
                    if not prove().problems:
                        unnoticed.add((table, column))

    assert unnoticed == {exception for exception in NOT_PROVED if exception[0] == table}
    assert len(tried) >= len(columns_of(superuser, table)) - 1
    assert prove().problems == []


@pytest.mark.parametrize("table", TABLES)
def test_a_missing_row_is_found(ledger: None, superuser: psycopg.Connection, table: str) -> None:
    for row in rows_of(superuser, table):
        with damaged(superuser, table, f"delete from {table} where {row}"):
            assert prove().problems != [], row


@pytest.mark.parametrize("table", ["credits_entry", "credits_lot", "credits_hold", "credits_hold_line"])
def test_an_added_row_is_found(ledger: None, superuser: psycopg.Connection, table: str) -> None:
    columns = ", ".join(name for name, _ in columns_of(superuser, table))
    bent = {
        "id": "id + 1000",
        "account_seq": "account_seq + 1000",
        "uuid": "gen_random_uuid()",
        "hold_id": "hold_id + 1",
    }
    bent["transaction_id"] = "transaction_id + 1000" if table == "credits_hold" else "transaction_id"
    values = ", ".join(bent.get(name, name) for name, _ in columns_of(superuser, table))
    for row in rows_of(superuser, table):
        statement = f"insert into {table} ({columns}) select {values} from {table} where {row}"
        with damaged(superuser, table, statement) as is_done:
            if is_done:
                assert prove().problems != [], row
