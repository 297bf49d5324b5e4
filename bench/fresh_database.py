"""An empty database of our own, migrated and hardened, for a measurement or a soak: dropped at its end.

On the server of DATABASE_URL where it is set (MIGRATE_DATABASE_URL must then be of a role that may create databases),
else on the embedded one. Django is set up inside, as the runtime role.
"""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from config import embedded_postgres

PROJECT = Path(__file__).resolve().parent.parent


@contextmanager
def fresh_database(name: str) -> Iterator[str]:
    """Yield the owner's (on the embedded server: the superuser's) URL of the database called `name`."""
    runtime, owner, superuser = _urls()
    with psycopg.connect(superuser, autocommit=True) as server:
        drop = sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name))
        server.execute(drop)
        role = sql.Identifier(urlsplit(owner).username or "")
        server.execute(sql.SQL("create database {} owner {}").format(sql.Identifier(name), role))
        try:
            _set_up_django(_named(runtime, name), _named(owner, name))
            yield _named(superuser, name)
        finally:
            server.execute(drop)


def _urls() -> tuple[str, str, str]:
    given = os.environ.get("DATABASE_URL")
    if given:
        owner = os.environ.get("MIGRATE_DATABASE_URL", given)
        return given, owner, owner
    state = Path(os.environ.get("COFFER_STATE_DIR", PROJECT / ".state"))
    urls = embedded_postgres.start(state / "postgres")
    return urls.runtime, urls.owner, urls.superuser


def _named(url: str, name: str) -> str:
    return urlsplit(url)._replace(path=f"/{name}").geturl()


def _set_up_django(runtime: str, owner: str) -> None:
    os.environ.update(
        COFFER_ENV_FILE=os.devnull,
        DJANGO_SETTINGS_MODULE="config.settings",
        DATABASE_URL=runtime,
        MIGRATE_DATABASE_URL=owner,
        DEBUG="false",
        SECRET_KEY=secrets.token_urlsafe(64),
        ALLOWED_HOSTS="localhost",
        PUBLIC_BASE_URL="http://localhost",
        STRIPE_SECRET_KEY="sk_test_bench",  # noqa: S106
        STRIPE_WEBHOOK_SECRET="whsec_bench",  # noqa: S106
        CACHE_URL="locmemcache://",
        EMAIL_URL="memorymail://",
    )
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    call_command("harden_database", urlsplit(runtime).username, verbosity=0)
