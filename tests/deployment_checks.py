"""For `make check`: migrations are complete, and `check --deploy` is silent in production's shape."""

import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from config import embedded_postgres

DATABASE = "coffer_checks"
PROJECT = Path(__file__).resolve().parent.parent
PRODUCTION = {
    "COFFER_ENV_FILE": os.devnull,
    "DEBUG": "false",
    "SECRET_KEY": secrets.token_urlsafe(64),
    "ALLOWED_HOSTS": "credits.example.com",
    "PUBLIC_BASE_URL": "https://credits.example.com",
    "STRIPE_SECRET_KEY": "sk_test_checks",
    "STRIPE_WEBHOOK_SECRET": "whsec_checks",
    "CACHE_URL": "locmemcache://",
}
COMMANDS = (
    ["migrate", "--verbosity", "0"],
    ["harden_database", embedded_postgres.RUNTIME_ROLE],
    ["makemigrations", "--check", "--dry-run"],
    ["check", "--deploy", "--fail-level", "WARNING", "--database", "default"],
)


def main() -> None:
    """Exit 1 where a command complains."""
    state = Path(os.environ.get("COFFER_STATE_DIR", PROJECT / ".state"))
    urls = embedded_postgres.start(state / "postgres")
    with new_database(urls.superuser):
        environment = {
            **os.environ,
            **PRODUCTION,
            "DATABASE_URL": named(urls.runtime),
            "MIGRATE_DATABASE_URL": named(urls.owner),
        }
        for words in COMMANDS:
            command = [sys.executable, "manage.py", *words]
            done = subprocess.run(command, cwd=PROJECT, env=environment, check=False)
            if done.returncode:
                sys.exit(done.returncode)


@contextmanager
def new_database(superuser: str) -> Iterator[None]:
    """An empty one: the demo's may stand at another commit's migrations."""
    with psycopg.connect(superuser, autocommit=True) as connection:
        connection.execute(f"drop database if exists {DATABASE} with (force)")
        connection.execute(f"create database {DATABASE} owner {embedded_postgres.OWNER_ROLE}")
        yield
        connection.execute(f"drop database {DATABASE} with (force)")


def named(url: str) -> str:
    """The same role in our database."""
    return urlsplit(url)._replace(path=f"/{DATABASE}").geturl()


if __name__ == "__main__":
    main()
