"""Another program to measure beside us: a virtual environment and a database of its own, on the same server."""

import os
import secrets
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import psycopg
from psycopg import sql


def installed(folder: Path, wanted: Sequence[str]) -> str:
    """Return the Python of a virtual environment in `folder` that has these packages. Raises CalledProcessError."""
    python = folder / "bin" / "python"
    if not python.exists():
        _run(sys.executable, "-m", "venv", str(folder))
    _run(str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *wanted)
    return str(python)


def new_database(superuser: str, name: str) -> dict[str, str]:
    """Make a database and a role that owns it, both called `name`; return the environment that tells of them."""
    password = secrets.token_hex(16)
    role = sql.Identifier(name)
    drop_database(superuser, name)
    with psycopg.connect(superuser, autocommit=True) as connection:
        if not connection.execute("select 1 from pg_roles where rolname = %s", [name]).fetchone():
            connection.execute(sql.SQL("create role {} login").format(role))
        connection.execute(sql.SQL("alter role {} password {}").format(role, sql.Literal(password)))
        connection.execute(sql.SQL("create database {} owner {}").format(role, role))
        host, port = connection.info.host, str(connection.info.port)
    told = {"BENCH_NAME": name, "BENCH_PASSWORD": password, "BENCH_HOST": host, "BENCH_PORT": port}
    return {**os.environ, **told}


def drop_database(superuser: str, name: str) -> None:
    """Drop it, where there is one."""
    with psycopg.connect(superuser, autocommit=True) as connection:
        connection.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))


def last_words(error: subprocess.CalledProcessError) -> str:
    """The last line that a program said before it failed."""
    return str(error.stderr or error).strip().splitlines()[-1]


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True)
