"""What `make run` starts: refusals in one sentence, and its end when one of its processes ends."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from django.core.management import CommandError, call_command

from config.management.commands.demo import Command
from tests.sandbox_process import PROJECT, free_port

# The demo decides these itself where a person has set nothing.
DECIDED = {
    *("DATABASE_URL", "MIGRATE_DATABASE_URL", "TEST_SUPERUSER_URL", "SECRET_KEY", "ALLOWED_HOSTS"),
    *(
        "PUBLIC_BASE_URL",
        "STRIPE_SECRET_KEY",
        "STRIPE_WEBHOOK_SECRET",
        "STRIPE_API_BASE",
        "CACHE_URL",
        "EMAIL_URL",
    ),
}


def test_demo_needs_debug() -> None:
    with pytest.raises(CommandError, match=r"^The demo needs DEBUG=true: "):
        call_command("demo")


def test_a_program_is_told_where_it_runs(
    settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.DEBUG, settings.USES_SANDBOX, settings.USES_EMBEDDED_POSTGRES = True, True, False
    settings.STATE_DIR = tmp_path
    for step in ("_prepare_database", "_start", "_wait_until_ready", "_watch"):
        monkeypatch.setattr(Command, step, lambda *args, **words: None)
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    web, sandbox = free_port(), free_port()

    try:
        call_command("demo", f"--port={web}", f"--sandbox-port={sandbox}", "--json")
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

    said = capsys.readouterr()
    assert json.loads(said.out) == {
        "web": f"http://localhost:{web}",
        "sandbox": f"http://localhost:{sandbox}",
        "logs": str(tmp_path / "logs"),
    }
    assert "4242 4242 4242 4242" in said.err


@pytest.mark.parametrize("port", ["abc", "0", "65536", "-1", "80.5"])
def test_port_that_is_none_is_refused(settings: Any, port: str) -> None:
    settings.DEBUG = True

    with pytest.raises(CommandError, match=r"^PORT must be a number from 1 to 65535, not '.+'\.$"):
        call_command("demo", f"--port={port}")


@pytest.mark.parametrize(
    ("option", "name", "setting"),
    [("port", "web server", "PORT"), ("sandbox-port", "sandbox", "SANDBOX_PORT")],
)
def test_taken_port_is_refused_before_anything_starts(
    settings: Any, option: str, name: str, setting: str
) -> None:
    settings.DEBUG, settings.USES_SANDBOX = True, True
    ports = {"port": free_port(), "sandbox-port": free_port()}

    with socket.create_server(("127.0.0.1", 0)) as taken:
        ports[option] = taken.getsockname()[1]
        with pytest.raises(CommandError) as refusal:
            call_command("demo", *(f"--{word}={port}" for word, port in ports.items()))

    assert str(refusal.value) == (
        f"Port {ports[option]} is taken, and the {name} needs it. Stop what uses it, or set {setting} to another."
    )


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


@pytest.fixture
def demo(state: Path) -> Iterator[subprocess.Popen[str]]:
    """The demo of a newcomer, on free ports and in a folder of its own."""
    kept = {name: value for name, value in os.environ.items() if name not in DECIDED}
    ours = {"DEBUG": "true", "COFFER_STATE_DIR": str(state), "PYTHONUNBUFFERED": "1"}
    ports = {"PORT": str(free_port()), "SANDBOX_PORT": str(free_port())}
    started = subprocess.Popen(
        [sys.executable, "manage.py", "demo"],
        cwd=PROJECT,
        env={**kept, **ours, **ports},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=_as_in_the_background,
    )
    yield started
    started.kill()
    started.communicate()


def _as_in_the_background() -> None:
    """A shell without job control starts such a job with Ctrl-C ignored."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def words_until(demo: subprocess.Popen[str], word: str) -> str:
    """What it says up to a line with `word`."""
    assert demo.stdout is not None
    said = ""
    while word not in said:
        line = demo.stdout.readline()
        assert line, said
        said += line
    return said


def family_of(demo: subprocess.Popen[str]) -> list[psutil.Process]:
    return psutil.Process(demo.pid).children(recursive=True)


def children_with(demo: subprocess.Popen[str], word: str) -> list[psutil.Process]:
    """Those that the demo started itself and that live, by a word of their command."""
    return [
        child
        for child in psutil.Process(demo.pid).children()
        if child.status() != psutil.STATUS_ZOMBIE and word in child.cmdline()
    ]


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def still_there(family: list[psutil.Process], state: Path) -> list[str]:
    """Members that live, and the PostgreSQL of this folder."""
    _gone, alive = psutil.wait_procs(family, timeout=60)
    names = [process.name() for process in alive]
    return names + (["postgres"] if (state / "postgres" / "postmaster.pid").exists() else [])


@pytest.mark.slow
@pytest.mark.xdist_group("demo")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_demo_says_what_one_needs_and_ends_everything(
    demo: subprocess.Popen[str], state: Path, number: signal.Signals
) -> None:
    said = words_until(demo, "Ctrl-C")
    family = family_of(demo)

    demo.send_signal(number)
    demo.communicate(timeout=120)

    assert re.search(r"http://localhost:\d+\n", said)
    for needed in (
        "demo@example.com / demo-password",
        "admin@example.com",
        "4242 4242 4242 4242",
        "Sandbox's panel",
    ):
        assert needed in said
    assert len(family) >= 6
    assert demo.returncode == 0
    assert still_there(family, state) == []


@pytest.mark.slow
@pytest.mark.xdist_group("demo")
def test_demo_ends_its_postgres_though_another_user_of_it_had_to_be_killed(
    demo: subprocess.Popen[str], state: Path
) -> None:
    words_until(demo, "Ctrl-C")
    family = family_of(demo)
    keeper = next(process for process in family if "config.demo_database" in process.cmdline())

    keeper.suspend()  # as if it were too slow to end within the grace
    demo.send_signal(signal.SIGINT)
    demo.communicate(timeout=120)

    assert still_there(family, state) == []


@pytest.mark.slow
@pytest.mark.xdist_group("demo")
def test_demo_starts_its_worker_again_and_ends_when_another_process_dies(
    demo: subprocess.Popen[str], state: Path
) -> None:
    words_until(demo, "Ctrl-C")
    (worker,) = children_with(demo, "celery")

    worker.kill()
    assert "The worker has ended and is started again." in words_until(demo, "started again")
    wait_until(lambda: [child.pid for child in children_with(demo, "celery")] not in ([], [worker.pid]))

    family = family_of(demo)
    (web,) = children_with(demo, "gunicorn")
    web.kill()
    said, _ = demo.communicate(timeout=120)

    assert "The web process has ended. Its last words:" in said
    assert demo.returncode == 1
    assert still_there(family, state) == []


@pytest.mark.slow
@pytest.mark.xdist_group("demo")
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's death")
def test_killed_demo_leaves_nothing_behind(demo: subprocess.Popen[str], state: Path) -> None:
    words_until(demo, "Ctrl-C")
    family = family_of(demo)

    demo.kill()
    demo.communicate(timeout=120)

    deadline = time.monotonic() + 60
    while left := still_there(family, state):
        assert time.monotonic() < deadline, left
        time.sleep(0.2)
