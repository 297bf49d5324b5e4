"""django-hordak beside us: its own virtual environment, its own database on the same server."""

import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql

from bench.server import House
from bench.workers import PROJECT, Crew

WORKER = PROJECT / "bench" / "hordak_worker.py"
WANTED = ("django-hordak>=2,<3", "psycopg[binary]>=3.2,<4")
ROLE, DATABASE = "coffer_bench_hordak", "coffer_bench_hordak"


@contextmanager
def hired(house: House) -> Iterator[Crew | None]:
    """Eight processes of it, ready; None (and a word why) where it cannot be installed or does not start."""
    crew = _hire(house)
    if crew is None:
        yield None
        return
    with crew:
        yield crew
    with psycopg.connect(house.superuser, autocommit=True) as connection:
        _drop(connection)


def _hire(house: House) -> Crew | None:
    try:
        python = _installed(house.state / "hordak")
        environment = _database(house)
        subprocess.run(
            [python, str(WORKER), "prepare"], env=environment, check=True, capture_output=True, text=True
        )
    except subprocess.CalledProcessError as error:
        print(f"django-hordak is left out: {(error.stderr or str(error)).strip().splitlines()[-1]}")
        return None
    return Crew([python, str(WORKER)], environment=environment)


def _installed(folder: Path) -> str:
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run(
            [sys.executable, "-m", "venv", str(folder)], check=True, capture_output=True, text=True
        )
    subprocess.run(
        [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *WANTED],
        check=True,
        capture_output=True,
        text=True,
    )
    return str(python)


def _database(house: House) -> dict[str, str]:
    password = secrets.token_hex(16)
    role, name = sql.Identifier(ROLE), sql.Identifier(DATABASE)
    with psycopg.connect(house.superuser, autocommit=True) as connection:
        _drop(connection)
        if not connection.execute("select 1 from pg_roles where rolname = %s", [ROLE]).fetchone():
            connection.execute(sql.SQL("create role {} login").format(role))
        connection.execute(sql.SQL("alter role {} password {}").format(role, sql.Literal(password)))
        connection.execute(sql.SQL("create database {} owner {}").format(name, role))
        host, port = connection.info.host, str(connection.info.port)
    hordak = {"HORDAK_USER": ROLE, "HORDAK_PASSWORD": password, "HORDAK_HOST": host, "HORDAK_PORT": port}
    return {**os.environ, **hordak}


def _drop(connection: psycopg.Connection) -> None:
    connection.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(DATABASE)))
