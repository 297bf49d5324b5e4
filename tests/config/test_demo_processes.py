"""What keeps the demo's processes together, tried with small ones."""

import os
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from config.demo_processes import PortTaken, Processes, answers, refuse_taken_port
from tests.sandbox_process import free_port

STUBBORN = """
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
os.fork()
print(os.getpid(), flush=True)
time.sleep(600)
"""


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    """Children that find modules in the test's own folder."""
    environment = {"PYTHONPATH": str(tmp_path), "PYTHONUNBUFFERED": "1"}
    started = Processes(tmp_path / "logs", environment)
    yield started
    started.stop()


def wait_for_lines(path: Path, count: int) -> list[str]:
    deadline = time.monotonic() + 60
    while len(lines := path.read_text().splitlines()) < count:
        assert time.monotonic() < deadline, lines
        time.sleep(0.02)
    return lines


def test_free_port_is_not_refused() -> None:
    refuse_taken_port("web server", free_port(), "PORT")


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])  # noqa: S104  the test wants everything taken
def test_taken_port_is_refused_in_one_sentence(host: str) -> None:
    with socket.create_server((host, 0)) as taken:
        port = taken.getsockname()[1]

        with pytest.raises(PortTaken) as refusal:
            refuse_taken_port("web server", port, "PORT")

    assert str(refusal.value) == (
        f"Port {port} is taken, and the web server needs it. Stop what uses it, or set PORT to another."
    )


def test_nobody_answers_on_a_free_port() -> None:
    assert answers(f"http://127.0.0.1:{free_port()}/") is False


def test_server_that_runs_answers_until_it_is_stopped(processes: Processes) -> None:
    port = free_port()
    processes.start("web", ["http.server", "--bind", "127.0.0.1", str(port)])
    address = f"http://127.0.0.1:{port}/"
    deadline = time.monotonic() + 60
    while not answers(address):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert processes.dead() is None

    processes.stop()

    assert answers(address) is False


def test_dead_child_is_named_with_its_last_words(processes: Processes, tmp_path: Path) -> None:
    (tmp_path / "dying.py").write_text("print(*range(30), sep='\\n'); raise SystemExit('out of luck')")
    processes.start("worker", ["dying"])
    processes.running["worker"].wait(60)

    assert processes.dead() == "worker"
    assert processes.tail("worker", lines=2) == "29\nout of luck"


def test_stubborn_children_and_theirs_are_made_to_end(
    processes: Processes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("config.demo_processes.GRACE_SECONDS", 0.2)
    (tmp_path / "stubborn.py").write_text(STUBBORN)
    processes.start("worker", ["stubborn"])
    family = [int(pid) for pid in wait_for_lines(processes.log("worker"), 2)]

    processes.stop()

    psutil.wait_procs([psutil.Process(pid) for pid in family if psutil.pid_exists(pid)], timeout=60)
    assert [pid for pid in family if psutil.pid_exists(pid)] == []


def test_stopping_twice_is_harmless(processes: Processes, tmp_path: Path) -> None:
    (tmp_path / "dying.py").write_text("")
    processes.start("worker", ["dying"])

    processes.stop()
    processes.stop()

    assert processes.dead() == "worker"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's death")
def test_children_end_with_a_parent_that_was_killed(tmp_path: Path) -> None:
    (tmp_path / "idle.py").write_text("import os, time; print(os.getpid(), flush=True); time.sleep(600)")
    (tmp_path / "parent.py").write_text(
        "import os, signal\n"
        "from pathlib import Path\n"
        "from config.demo_processes import Processes\n"
        f"started = Processes(Path({str(tmp_path)!r}), dict(os.environ))\n"
        "started.start('child', ['idle'])\n"
        "while not started.tail('child'): pass\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    search = f"{tmp_path}:{Path(__file__).resolve().parent.parent.parent}"
    parent = psutil.Popen([sys.executable, "-m", "parent"], env={**os.environ, "PYTHONPATH": search})
    parent.wait(60)

    child = int((tmp_path / "child.log").read_text())
    deadline = time.monotonic() + 60
    while psutil.pid_exists(child) and psutil.Process(child).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline, "the child lives on"
        time.sleep(0.05)
