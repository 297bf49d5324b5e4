"""The processes of the demo: started together, watched, and ended together, whatever ends the first of them."""

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

GRACE_SECONDS = 5.0
_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG of prctl(2)


class PortTaken(Exception):
    """Somebody else listens where the demo wants to."""

    def __init__(self, name: str, port: int, setting: str) -> None:
        super().__init__(
            f"Port {port} is taken, and the {name} needs it. Stop what uses it, or set {setting} to another."
        )


@dataclass
class Processes:
    """Children with a log file each."""

    log_folder: Path
    environment: Mapping[str, str]
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    commands: dict[str, Sequence[str]] = field(default_factory=dict)

    def start(self, name: str, command: Sequence[str]) -> None:
        """Start `python -m COMMAND...` in a process group of its own, which ends when we do."""
        self.log_folder.mkdir(parents=True, exist_ok=True)
        self.log(name).unlink(missing_ok=True)
        self.commands[name] = command
        self._run(name)

    def restart(self, name: str) -> None:
        """Start it again as it was started, what its group left behind ended; the log goes on."""
        _signal_group(self.running[name], signal.SIGKILL)
        self._run(name)

    def _run(self, name: str) -> None:
        with self.log(name).open("ab") as log:
            self.running[name] = subprocess.Popen(
                [sys.executable, "-m", *self.commands[name]],
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_end_with_parent if sys.platform == "linux" else None,
            )

    def log(self, name: str) -> Path:
        """Where a child's output goes."""
        return self.log_folder / f"{name}.log"

    def dead(self) -> str | None:
        """The name of a child that has ended, if any."""
        return next((name for name, process in self.running.items() if process.poll() is not None), None)

    def tail(self, name: str, lines: int = 20) -> str:
        """The last lines of a child's log."""
        return "\n".join(self.log(name).read_text(errors="replace").splitlines()[-lines:])

    def stop(self) -> None:
        """Ask every group to end; after five seconds, make it."""
        for process in self.running.values():
            _signal_group(process, signal.SIGTERM)
        deadline = time.monotonic() + GRACE_SECONDS
        for process in self.running.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(0.1, deadline - time.monotonic()))
            # The group, not the leader alone: a worker's children may outlive it.
            _signal_group(process, signal.SIGKILL)
            process.wait()


def refuse_taken_port(name: str, port: int, setting: str) -> None:
    """Raise PortTaken where something answers on `port` already."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise PortTaken(name, port, setting) from None


def answers(url: str) -> bool:
    """Whether `url` answers 200."""
    try:
        with urllib.request.urlopen(url, timeout=2) as response:  # noqa: S310  our own address
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _signal_group(process: subprocess.Popen[bytes], number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def _end_with_parent() -> None:
    """In the child: SIGTERM when the demo dies, even of kill -9."""
    ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGTERM)
