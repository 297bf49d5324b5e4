"""Where to measure: a database made anew, with 10,000 people and an account for each.

On the server of DATABASE_URL where it is set (MIGRATE_DATABASE_URL must then be a superuser's), else on an embedded one
of its own, with fsync on, as production has it.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from bench.fresh_database import PROJECT, fresh_database
from bench.workers import ACCOUNTS
from config import embedded_postgres

PLENTY = 10**9
SERVER_SETTINGS = "max_connections = 100\nshared_buffers = 256MB\nmax_wal_size = 4GB\n"


@dataclass(frozen=True, kw_only=True)
class House:
    """Where to measure and how long. `superuser` and `runtime` are connection URLs."""

    superuser: str
    runtime: str
    pgbench: str | None
    state: Path  # kept from run to run
    folder: Path  # of this run
    is_embedded: bool
    rounds: int
    seconds: float
    entries: int


@contextmanager
def open_house(*, rounds: int, seconds: float, entries: int) -> Iterator[House]:
    """Make the database and its people, point Django at it, and drop it at the end."""
    state = Path(os.environ.get("COFFER_STATE_DIR", PROJECT / ".state")).absolute() / "bench"
    state.mkdir(parents=True, exist_ok=True)
    is_embedded = not os.environ.get("DATABASE_URL")
    if is_embedded:
        urls = embedded_postgres.start(state / "postgres", settings=SERVER_SETTINGS)
        os.environ.update(DATABASE_URL=urls.runtime, MIGRATE_DATABASE_URL=urls.superuser)
    with fresh_database("coffer_bench") as superuser, tempfile.TemporaryDirectory(dir=state) as folder:
        house = House(
            superuser=superuser,
            runtime=os.environ["DATABASE_URL"],
            pgbench=shutil.which("pgbench"),
            state=state,
            folder=Path(folder),
            is_embedded=is_embedded,
            rounds=rounds,
            seconds=seconds,
            entries=entries,
        )
        _people(house)
        try:
            yield house
        finally:
            from django.db import connections

            connections.close_all()


_GRANT = "select credits_grant(%s, %s, 'grant', 'bench', 'first', '', '', '', '', '{}')"


def _people(house: House) -> None:
    from accounts.models import User

    User.objects.bulk_create(User(pk=i, email=f"person{i}@example.com") for i in range(1, ACCOUNTS + 1))
    with psycopg.connect(house.superuser) as connection:
        lots = f'[{{"kind": "paid", "amount": {PLENTY}}}]'
        with connection.cursor() as cursor:
            cursor.executemany(_GRANT, [(i, lots) for i in range(1, ACCOUNTS + 1)])
        connection.commit()
        connection.autocommit = True
        connection.execute("vacuum analyze")
