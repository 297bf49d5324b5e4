"""A Redis of one test's own, on a port of its own: to be killed, frozen and emptied. The broker, or the cache."""

import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

from tests.sandbox_process import free_port


class Redis:
    """Keeps nothing: killed, it comes back empty."""

    def __init__(self, folder: Path) -> None:
        program = shutil.which("redis-server")
        assert program, "these cases need redis-server (Debian: apt-get install redis-server)"
        self._program, self._folder = program, folder
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.start()

    def start(self) -> None:
        """Start it, empty."""
        self._process = subprocess.Popen(
            [
                self._program,
                "--port",
                str(self.port),
                "--bind",
                "127.0.0.1",
                "--save",
                "",
                "--dir",
                self._folder,
            ],
            stdout=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 60
        while not self._answers():
            assert time.monotonic() < deadline, "redis-server did not start"
            time.sleep(0.02)

    def kill(self) -> None:
        """kill -9."""
        self._process.kill()
        self._process.wait()

    def freeze(self) -> None:
        """It accepts connections and answers none."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._process.send_signal(signal.SIGCONT)

    def empty(self) -> None:
        """Forget everything."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as wire:
            wire.sendall(b"FLUSHALL\r\n")
            assert wire.recv(100).startswith(b"+OK")

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as wire:
                wire.sendall(b"PING\r\n")
                return wire.recv(100).startswith(b"+PONG")
        except OSError:
            return False


def is_there() -> bool:
    """Whether this machine has one."""
    return shutil.which("redis-server") is not None
