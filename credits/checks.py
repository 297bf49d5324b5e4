"""System checks of the ledger: every trigger stands, and the application's role cannot get around them."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import DatabaseError, connection
from django.db.migrations.loader import MigrationLoader

from credits.hardening import ledger_tables

TRIGGERS = {
    "credits_account": {
        "credits_account_append_only",
        "credits_account_begin",
        "credits_account_guard",
        "credits_account_keep",
    },
    "credits_transaction": {"credits_transaction_append_only", "credits_transaction_seal"},
    "credits_entry": {
        "credits_entry_append_only",
        "credits_entry_apply",
        "credits_entry_verify",
    },
    "credits_lot": {
        "credits_lot_append_only",
        "credits_lot_begin",
        "credits_lot_freeze",
        "credits_lot_guard",
        "credits_lot_keep",
    },
    "credits_hold": {"credits_hold_append_only", "credits_hold_guard", "credits_hold_verify"},
    "credits_hold_line": {
        "credits_hold_line_append_only",
        "credits_hold_line_apply",
        "credits_hold_line_verify",
    },
    "credits_hold_resolution": {
        "credits_hold_resolution_append_only",
        "credits_hold_resolution_apply",
        "credits_hold_resolution_verify",
    },
}


@register(Tags.database)
def ledger_in_database(databases: Sequence[str] | None = None, **_kwargs: Any) -> list[CheckMessage]:
    """`check --database default` and `migrate`: the guards are there, once the migrations that make them are."""
    return _messages() if "default" in (databases or ()) else []


@register(Tags.security, deploy=True)
def ledger_in_deployment(**_kwargs: Any) -> list[CheckMessage]:
    """`check --deploy`: the same, where a database is configured and answers (if it is away, readiness says so)."""
    if not settings.DATABASE_URL:
        return []
    try:
        return _messages()
    except DatabaseError:
        return []


def _messages() -> list[CheckMessage]:
    if not _is_migrated():
        return []
    return [*_missing_triggers(), *_rights_beyond()]


def _is_migrated() -> bool:
    loader = MigrationLoader(connection)
    return set(loader.graph.leaf_nodes("credits")) <= set(loader.applied_migrations)


def _missing_triggers() -> list[CheckMessage]:
    query = (
        "select tgrelid::regclass::text, tgname from pg_trigger"
        " where tgrelid::regclass::text = any(%s) and not tgisinternal and tgenabled in ('O', 'A')"
    )
    standing = set(_rows(query, [list(TRIGGERS)]))
    return [
        Error(
            f"The trigger {name} of {table} is missing or disabled: the ledger is not guarded.",
            hint="Find out who removed it, enable it or migrate credits back and forth, then run verify_ledger.",
            id="credits.E001",
        )
        for table, names in TRIGGERS.items()
        for name in sorted(names)
        if (table, name) not in standing
    ]


def _rights_beyond() -> list[CheckMessage]:
    if _is_borrowed_by_the_owner():
        return []
    ((is_superuser, is_owner, is_writer),) = _rows(_RIGHTS, [ledger_tables(), ledger_tables()])
    hint = "Give MIGRATE_DATABASE_URL the owner, DATABASE_URL a role of its own, and run harden_database with it."
    if is_superuser:
        return [Warning("The role of DATABASE_URL is a superuser.", hint=hint, id="credits.W001")]
    if is_owner:
        return [Warning("The role of DATABASE_URL owns the ledger's tables.", hint=hint, id="credits.W002")]
    if is_writer:
        return [
            Warning("The role of DATABASE_URL may write the ledger's tables.", hint=hint, id="credits.W003")
        ]
    return []


_RIGHTS = """
select
  (select rolsuper from pg_roles where rolname = current_user),
  exists (select from pg_tables where tablename = any(%s) and pg_has_role(tableowner, 'USAGE')),
  exists (
    select from unnest(%s::text[]) as name
    where has_table_privilege(name, 'INSERT, UPDATE, DELETE, TRUNCATE, TRIGGER')
  )
"""


def _is_borrowed_by_the_owner() -> bool:
    """`migrate` runs its checks on the owner's connection, which is no fault."""
    has_two_roles = settings.MIGRATE_DATABASE_URL != settings.DATABASE_URL
    return has_two_roles and bool(connection.settings_dict["USER"] == settings.MIGRATE_DATABASE["USER"])


def _rows(query: str, parameters: list[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        return list(cursor.fetchall())
