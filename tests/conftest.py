"""What every test stands on: a database made by the owner, tests that run as the runtime role."""

import os
from collections.abc import Iterator

import psycopg
import pytest
from django.db import connection
from django.test import TransactionTestCase, override_settings
from django.test.utils import setup_databases, teardown_databases
from psycopg import sql

# A hundred threads of one interpreter on a busy machine wait for each other, far longer than production's limits. What
# those do has tests of its own, with processes of its own (tests/faults).
PATIENT = {
    "options": "-c lock_timeout=60s -c statement_timeout=120s -c idle_in_transaction_session_timeout=120s",
    "connect_timeout": "60",
}


@pytest.fixture(scope="session")
def django_db_setup(
    django_test_environment: None,
    django_db_blocker: pytest.FixtureRequest,
    django_db_modify_db_settings: None,
) -> Iterator[None]:
    """Make and migrate the test database as the owner; from then on every connection is the runtime role's."""
    from config.owner import owner_connection
    from credits.hardening import harden

    runtime_role = str(connection.settings_dict["USER"])
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        with owner_connection():
            databases = setup_databases(verbosity=0, interactive=False, serialized_aliases=[])
            harden(runtime_role)
        connection.settings_dict["NAME"] = databases[0][0].settings_dict["NAME"]
        connection.settings_dict["OPTIONS"].update(PATIENT)
    yield
    with superuser_connection() as superuser:
        # Threads of the live server keep their connections.
        superuser.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid()"
        )
    with django_db_blocker.unblock(), owner_connection():  # type: ignore[attr-defined]
        teardown_databases(databases, verbosity=0)


@pytest.fixture(scope="session", autouse=True)
def _quick_passwords(django_test_environment: None) -> Iterator[None]:
    """Hash in no time: how hard a hash is to guess is Django's affair."""
    with override_settings(PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"]):
        yield


def superuser_connection() -> psycopg.Connection:
    """A plain connection to the test database that no guard of ours knows. Only the teardown and attacks use it."""
    return psycopg.connect(
        os.environ["TEST_SUPERUSER_URL"], dbname=connection.settings_dict["NAME"], autocommit=True
    )


def _truncate_everything(_case: TransactionTestCase) -> None:
    """Replaces the flush of TransactionTestCase, which the ledger's guards refuse."""
    connection.close()
    with superuser_connection() as superuser:
        superuser.execute("set session_replication_role = replica")
        rows = superuser.execute(
            "select tablename from pg_tables where schemaname = 'public' and tablename <> 'django_migrations'"
            " and tablename not in ('django_content_type', 'auth_permission')"
            " and tablename not in ('auth_group', 'auth_group_permissions')"  # made by a migration
        ).fetchall()
        names = sql.SQL(", ").join(sql.Identifier(name) for (name,) in rows)
        superuser.execute(sql.SQL("truncate {} restart identity cascade").format(names))


TransactionTestCase._fixture_teardown = _truncate_everything  # type: ignore[attr-defined]


pytest_plugins = ["tests.people", "tests.outages"]
