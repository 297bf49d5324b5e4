"""What the runtime role may do: everything with other tables, nothing with the ledger but look and call its verbs."""

from django.apps import apps
from django.db import connection
from psycopg import sql

VERBS = (
    "credits_grant",
    "credits_grant_each",
    "credits_spend",
    "credits_hold",
    "credits_hold_purchase",
    "credits_capture",
    "credits_release",
    "credits_reverse",
    "credits_adjust",
    "credits_transfer",
    "credits_claw_back",
    "credits_expire",
    "credits_open",
    "credits_tell",
)


def ledger_tables() -> list[str]:
    """Names of the tables that only the ledger's own functions write."""
    models = apps.get_app_config("credits").get_models()
    return [model._meta.db_table for model in models if model._meta.object_name != "VerifyRun"]


class NoSuchRole(Exception):
    """The server knows no role of that name. PUBLIC is none: what it may do, everybody may."""


class NotMigrated(Exception):
    """The ledger's tables are not there yet."""


class RoleOwnsTables(Exception):
    """The role cannot be kept from the ledger, whose tables it owns; and whoever owns them needs their rights."""


def harden(runtime_role: str) -> None:
    """Give `runtime_role` exactly what it needs in this database. Run as the owner, after every migration.

    Raises NoSuchRole, RoleOwnsTables or NotMigrated, and has changed nothing then.
    """
    role = sql.Identifier(runtime_role)
    with connection.cursor() as cursor:
        cursor.execute("select from pg_roles where rolname = %s", [runtime_role])
        if cursor.fetchone() is None:
            raise NoSuchRole(runtime_role)
        cursor.execute(_OWNED, [runtime_role])
        if owned := [table for (table,) in cursor.fetchall()]:
            raise RoleOwnsTables(f"{runtime_role} owns {', '.join(owned)}")
        if missing := set(ledger_tables()).difference(connection.introspection.table_names(cursor)):
            raise NotMigrated(f"{', '.join(sorted(missing))}: not there")
        cursor.execute(_ON_SCHEMA.format(role=role))
        for (table,) in _rows("select tablename from pg_tables where schemaname = 'public'"):
            cursor.execute(_on_table(table).format(table=sql.Identifier(table), role=role))
        for (sequence,) in _rows("select sequencename from pg_sequences where schemaname = 'public'"):
            if not sequence.startswith("credits_"):
                cursor.execute(_ON_SEQUENCE.format(sequence=sql.Identifier(sequence), role=role))
        for name, signature in _rows(_FUNCTIONS):
            statement = _ON_VERB if name in VERBS else _ON_INNER_FUNCTION
            cursor.execute(statement.format(function=sql.SQL(signature), role=role))


# A superuser may own them: no right can be taken from one.
_OWNED = """
select tablename from pg_tables join pg_roles on rolname = tableowner
where schemaname = 'public' and tableowner = %s and not rolsuper order by tablename
"""
_ON_SCHEMA = sql.SQL(
    "revoke create on schema public from public, {role}; grant usage on schema public to {role};"
    "revoke all on all tables in schema public from public, {role};"
    "revoke all on all sequences in schema public from public, {role}"
)
_ON_SEQUENCE = sql.SQL("grant usage, select on sequence {sequence} to {role}")
_ON_VERB = sql.SQL(
    "revoke all on function {function} from public; grant execute on function {function} to {role}"
)
_ON_INNER_FUNCTION = sql.SQL("revoke all on function {function} from public, {role}")
_FUNCTIONS = r"""
select proname, oid::regprocedure::text from pg_proc
where pronamespace = 'public'::regnamespace and proname like 'credits\_%'
"""


def _on_table(table: str) -> sql.SQL:
    if table == "django_migrations" or table in ledger_tables():
        return sql.SQL("grant select on {table} to {role}")
    return sql.SQL("grant select, insert, update, delete on {table} to {role}")


def _rows(query: str) -> list[tuple[str, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return list(cursor.fetchall())
