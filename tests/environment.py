"""The environment of a test run, set before Django reads its settings: production's shape, no service needed.

Loaded by pytest's `-p`. With DATABASE_URL set, that server is used; else the embedded one.
"""

import os
import secrets
from pathlib import Path

import psycopg
from psycopg import sql

ROOT = Path(__file__).resolve().parent.parent
WEBHOOK_SECRET = "whsec_tests"


def _embedded_urls() -> dict[str, str]:
    from config import embedded_postgres

    state = Path(os.environ.get("COFFER_STATE_DIR", ROOT / ".state"))
    urls = embedded_postgres.start(state / "postgres")
    return {
        "DATABASE_URL": urls.runtime,
        "MIGRATE_DATABASE_URL": urls.owner,
        "TEST_SUPERUSER_URL": urls.superuser,
    }


def _urls_beside(owner_url: str) -> dict[str, str]:
    """Make a runtime role beside the given one, so that the tests run with the two roles of production."""
    password = secrets.token_hex(16)
    with psycopg.connect(owner_url, autocommit=True) as connection:
        info = connection.info
        role = sql.Identifier("coffer_test_runtime")
        if not connection.execute("select 1 from pg_roles where rolname = 'coffer_test_runtime'").fetchone():
            connection.execute(sql.SQL("create role {} login").format(role))
        connection.execute(sql.SQL("alter role {} password {}").format(role, sql.Literal(password)))
        runtime = (
            f"postgresql://coffer_test_runtime:{password}@/{info.dbname}?host={info.host}&port={info.port}"
        )
    return {"DATABASE_URL": runtime, "MIGRATE_DATABASE_URL": owner_url, "TEST_SUPERUSER_URL": owner_url}


def _set_environment() -> None:
    given = os.environ.get("DATABASE_URL")
    if "TEST_SUPERUSER_URL" not in os.environ:  # else: a worker of pytest-xdist, which inherits all of it
        os.environ.update(_urls_beside(given) if given else _embedded_urls())
    os.environ.update(
        COFFER_ENV_FILE=os.devnull,  # a developer's .env is none of the tests' business
        DEBUG="false",
        SECRET_KEY="tests-only-" + "0123456789abcdef" * 4,
        ALLOWED_HOSTS="testserver,localhost,127.0.0.1",
        PUBLIC_BASE_URL="http://testserver",
        STRIPE_SECRET_KEY="sk_test_tests",
        STRIPE_WEBHOOK_SECRET=WEBHOOK_SECRET,
        STRIPE_API_BASE="http://127.0.0.1:9",  # the discard port: a test that needs Stripe starts the sandbox
        STRIPE_CONCURRENT_CALLS="200",  # a test may be a hundred threads of one process
        CACHE_URL="locmemcache://",
        EMAIL_URL="memorymail://",
    )


_set_environment()
