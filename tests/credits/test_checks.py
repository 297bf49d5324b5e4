"""The system checks: a missing guard is an error, a role that could go around them a warning."""

import psycopg
import pytest
from django.core import checks
from django.db import OperationalError, connection

from config.owner import owner_connection
from credits.checks import TRIGGERS, ledger_in_database, ledger_in_deployment
from tests.conftest import superuser_connection

pytestmark = pytest.mark.django_db(transaction=True)


def found() -> list[tuple[str | None, checks.CheckMessage]]:
    return [(message.id, message) for message in ledger_in_database(databases=["default"])]


def test_the_hardened_database_passes() -> None:
    assert ledger_in_database(databases=["default"]) == []
    assert ledger_in_deployment() == []


def test_it_runs_only_where_a_database_is_asked_about() -> None:
    assert ledger_in_database(databases=None) == []
    assert ledger_in_database(databases=["other"]) == []


def test_every_trigger_that_exists_is_checked(owner: psycopg.Connection) -> None:
    rows = owner.execute(
        "select tgrelid::regclass::text, tgname from pg_trigger"
        r" where tgrelid::regclass::text like 'credits\_%' and not tgisinternal"
    ).fetchall()

    assert set(rows) == {(table, name) for table, names in TRIGGERS.items() for name in names}


def test_a_disabled_trigger_is_an_error(owner: psycopg.Connection) -> None:
    owner.execute("alter table credits_entry disable trigger credits_entry_verify")
    try:
        messages = ledger_in_database(databases=["default"])
    finally:
        owner.execute("alter table credits_entry enable trigger credits_entry_verify")

    assert [(message.id, message.level) for message in messages] == [("credits.E001", checks.ERROR)]
    assert "credits_entry_verify of credits_entry" in messages[0].msg


def test_each_missing_trigger_is_an_error(owner: psycopg.Connection) -> None:
    for table, name in [(table, name) for table, names in TRIGGERS.items() for name in names]:
        ((kept,),) = owner.execute(
            "select pg_get_triggerdef(oid) from pg_trigger where tgrelid = %s::regclass and tgname = %s",
            [table, name],
        ).fetchall()
        owner.execute(f"drop trigger {name} on {table}")
        try:
            messages = ledger_in_database(databases=["default"])
        finally:
            owner.execute(kept)

        assert [(message.id, message.level) for message in messages] == [("credits.E001", checks.ERROR)]
        assert f"{name} of {table}" in messages[0].msg


def test_migrate_may_borrow_the_owner() -> None:
    with owner_connection():
        assert ledger_in_database(databases=["default"]) == []


def test_one_role_for_both_is_warned_of(settings: pytest.FixtureRequest) -> None:
    settings.DATABASE_URL = settings.MIGRATE_DATABASE_URL  # type: ignore[attr-defined]

    with owner_connection():
        # A test run on somebody's own server may have a superuser for its owner.
        is_superuser = (
            connection.cursor().execute("select rolsuper from pg_roles where rolname = user").fetchone()[0]
        )
        assert [name for name, _ in found()] == ["credits.W001" if is_superuser else "credits.W002"]


def test_a_superuser_is_warned_of(settings: pytest.FixtureRequest) -> None:
    settings.DATABASE_URL = settings.MIGRATE_DATABASE_URL  # type: ignore[attr-defined]
    kept = connection.settings_dict["USER"]
    with superuser_connection() as superuser:
        name = superuser.info.user
    connection.close()
    connection.settings_dict["USER"] = name
    try:
        assert [name for name, _ in found()] == ["credits.W001"]
    finally:
        connection.close()
        connection.settings_dict["USER"] = kept


def test_a_right_to_write_is_warned_of(owner: psycopg.Connection) -> None:
    role = connection.settings_dict["USER"]
    owner.execute(f'grant insert on credits_entry to "{role}"')
    try:
        assert [name for name, _ in found()] == ["credits.W003"]
    finally:
        owner.execute(f'revoke insert on credits_entry from "{role}"')


def test_before_the_migrations_there_is_nothing_to_check(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("credits.checks._is_migrated", lambda: False)

    assert ledger_in_database(databases=["default"]) == []


def test_a_deployment_without_a_database_is_not_asked(settings: pytest.FixtureRequest) -> None:
    settings.DATABASE_URL = ""  # type: ignore[attr-defined]

    assert ledger_in_deployment() == []


def test_a_database_that_is_away_is_not_the_ledgers_affair(monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> bool:
        raise OperationalError

    monkeypatch.setattr("credits.checks._is_migrated", away)

    assert ledger_in_deployment() == []
