"""Raw SQL as the application's own role: it may look at the ledger and call its verbs, and finds no way around."""

import psycopg
import pytest
from psycopg import sql
from psycopg.errors import InsufficientPrivilege

from accounts.models import User
from tests.credits.attacks import TABLES, entry, with_own_trigger

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("untouched")]


@pytest.mark.parametrize("table", TABLES)
def test_the_runtime_role_writes_no_ledger_table(runtime: psycopg.Connection, table: str) -> None:
    statements = [
        "insert into {} default values",
        "select from {} for update",
        "delete from {}",
        "truncate {} cascade",
        "alter table {} disable trigger all",
        "drop table {} cascade",
    ]
    for statement in statements:
        with pytest.raises(InsufficientPrivilege):
            runtime.execute(sql.SQL(statement).format(sql.Identifier(table)))


@pytest.mark.parametrize(
    "statement",
    [
        entry(),
        "update credits_account set posted = 1000000",
        "insert into credits_entry select * from credits_entry on conflict do nothing",
        "insert into credits_account select * from credits_account on conflict (id) do update set posted = 9",
        "select credits_replay(t, '') from credits_transaction t",
        "select credits_fill_lot(1, 1, 'promo', '{}', now())",
        "set session_replication_role = replica",
        "drop trigger credits_entry_verify on credits_entry",
        "drop function credits_account_guard() cascade",
        "create function credits_free(credits_account) returns bigint language sql return 5",
        "create trigger mine after insert on credits_entry for each row execute function credits_entry_apply()",
        "create table credits_mine (id bigint)",
        "merge into credits_account a using (select 1) one on true when matched then update set posted = 9",
        "with taken as (update credits_lot set held = 0 returning id) select * from taken",
        "copy credits_entry from '/etc/passwd'",
        "alter function credits_entry_verify() rename to credits_entry_believe",
        "alter table credits_account alter column posted set default 1000",
        "create rule believe as on insert to credits_entry do instead nothing",
    ],
)
def test_the_runtime_role_finds_no_way_around(runtime: psycopg.Connection, statement: str) -> None:
    with pytest.raises((InsufficientPrivilege, psycopg.errors.InvalidFunctionDefinition)):
        runtime.execute(statement)


def test_a_temporary_trigger_gives_the_runtime_role_no_rights(runtime: psycopg.Connection) -> None:
    with pytest.raises(InsufficientPrivilege):
        with_own_trigger(runtime, "update credits_account set posted = posted + 1000")


def test_a_temporary_table_in_front_of_the_ledger_is_not_looked_at(
    alice: User, runtime: psycopg.Connection
) -> None:
    runtime.execute("create temporary table credits_account (like public.credits_account)")
    runtime.execute("insert into pg_temp.credits_account select * from public.credits_account")
    runtime.execute("update pg_temp.credits_account set posted = 1000000")

    with pytest.raises(psycopg.DatabaseError) as refusal:
        runtime.execute(
            "select credits_spend(%s::bigint, 44, 'tests', 'shadow', '', '{}'::jsonb, '', false)", [alice.pk]
        )

    assert refusal.value.sqlstate == "CR001"


def test_the_runtime_role_does_not_become_the_owner(
    runtime: psycopg.Connection, owner: psycopg.Connection
) -> None:
    with pytest.raises(InsufficientPrivilege):
        runtime.execute(sql.SQL("set role {}").format(sql.Identifier(owner.info.user)))


def test_a_clock_of_ones_own_is_not_looked_at(alice: User, runtime: psycopg.Connection) -> None:
    """A verb reads the system's clock, whatever stands in front of it for the caller."""
    runtime.execute(
        "create function pg_temp.clock_timestamp() returns timestamptz language sql return 'infinity'::timestamptz"
    )
    runtime.execute("set search_path = pg_temp, public, pg_catalog")

    runtime.execute(
        "select public.credits_hold(%s::bigint, 1, null, 'tests', 'clock', '', '{}'::jsonb, '', false)",
        [alice.pk],
    )

    row = runtime.execute("select max(created_at) < 'infinity' from public.credits_transaction").fetchone()
    assert row == (True,)
    runtime.execute(
        "select public.credits_release(uuid, 'tests', 'end', '', '{}'::jsonb, '', false) from credits_hold"
    )
