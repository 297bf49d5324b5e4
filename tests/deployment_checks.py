"""For `make check`: migrations are complete, and `check --deploy` is silent in production's shape."""

import os
import secrets
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
PRODUCTION = {
    "DEBUG": "false",
    "SECRET_KEY": secrets.token_urlsafe(64),
    "ALLOWED_HOSTS": "credits.example.com",
    "PUBLIC_BASE_URL": "https://credits.example.com",
    "STRIPE_SECRET_KEY": "sk_test_checks",
    "STRIPE_WEBHOOK_SECRET": "whsec_checks",
    "CACHE_URL": "locmemcache://",
}


def main() -> None:
    """Exit 1 where a command complains."""
    from config import embedded_postgres

    state = Path(os.environ.get("COFFER_STATE_DIR", PROJECT / ".state"))
    urls = embedded_postgres.start(state / "postgres")
    environment = {
        **os.environ,
        **PRODUCTION,
        "DATABASE_URL": urls.runtime,
        "MIGRATE_DATABASE_URL": urls.owner,
    }
    for words in (
        ["migrate", "--verbosity", "0"],
        ["harden_database", embedded_postgres.RUNTIME_ROLE],
        ["makemigrations", "--check", "--dry-run"],
        ["check", "--deploy", "--fail-level", "WARNING", "--database", "default"],
    ):
        done = subprocess.run(
            [sys.executable, "manage.py", *words], cwd=PROJECT, env=environment, check=False
        )
        if done.returncode:
            sys.exit(done.returncode)


if __name__ == "__main__":
    main()
