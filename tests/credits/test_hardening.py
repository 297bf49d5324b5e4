"""The runtime role: sight of the ledger and its verbs, everything with other tables, and nothing else."""

import psycopg
import pytest
from psycopg import sql

from credits.hardening import VERBS, ledger_tables


def rights(runtime: psycopg.Connection, table: str) -> set[str]:
    words = ["SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"]
    query = "select word from unnest(%s::text[]) as word where has_table_privilege(%s, word)"
    return {word for (word,) in runtime.execute(query, [words, table])}


@pytest.mark.django_db
def test_the_ledger_may_be_read_only(runtime: psycopg.Connection) -> None:
    assert len(ledger_tables()) == 7
    for table in ledger_tables():
        assert rights(runtime, table) == {"SELECT"}


@pytest.mark.django_db
def test_migrations_may_be_read_only(runtime: psycopg.Connection) -> None:
    assert rights(runtime, "django_migrations") == {"SELECT"}


@pytest.mark.django_db
def test_other_tables_may_be_written(runtime: psycopg.Connection) -> None:
    assert rights(runtime, "accounts_user") == {"SELECT", "INSERT", "UPDATE", "DELETE"}


@pytest.mark.django_db
def test_of_the_functions_only_the_verbs_may_be_called(runtime: psycopg.Connection) -> None:
    allowed = runtime.execute(
        r"select proname from pg_proc where pronamespace = 'public'::regnamespace and proname like 'credits\_%'"
        " and has_function_privilege(oid, 'EXECUTE')"
    ).fetchall()

    assert {name for (name,) in allowed} == set(VERBS)


@pytest.mark.django_db
def test_every_verb_runs_as_the_owner_with_a_fixed_search_path(owner: psycopg.Connection) -> None:
    verbs = owner.execute(
        "select proname, prosecdef, proconfig from pg_proc where proname = any(%s)", [list(VERBS)]
    ).fetchall()

    assert {name for name, _, _ in verbs} == set(VERBS)
    assert all(
        is_definer and config == ["search_path=pg_catalog, public, pg_temp"]
        for _, is_definer, config in verbs
    )


@pytest.mark.django_db
def test_nothing_may_be_created(runtime: psycopg.Connection) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        runtime.execute("create table forged (id bigint)")


@pytest.mark.django_db
@pytest.mark.parametrize("table", ["credits_entry", "credits_account", "django_migrations"])
def test_reading_is_not_writing(runtime: psycopg.Connection, table: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        runtime.execute(sql.SQL("delete from {}").format(sql.Identifier(table)))
