"""The sandbox as tests use it: a process of its own on a free port, driven over HTTP."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parent.parent
_LONGEST_START_SECONDS = 120.0


class SandboxProcess:
    """`state` keeps everything in a file, so that `stop` and `start` again is a restart of Stripe."""

    def __init__(self, *, state: str = "", port: int = 0) -> None:
        self.state = state
        self.port = port
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(
        self, *, webhook_url: str = "", webhook_secret: str = "whsec_sandbox_tests", debit_seconds: float = -1
    ) -> "SandboxProcess":
        """Bank debits settle only by hand unless `debit_seconds` says otherwise."""
        chosen = self.port
        for _ in range(5):
            self.port = chosen or free_port()
            self._process = self._spawn(webhook_url, webhook_secret, debit_seconds)
            if self._answers():
                return self
        raise RuntimeError(f"the sandbox did not start on port {self.port}")

    def stop(self, *, timeout: float = 60) -> int:
        """Ends it as Ctrl-C would; its exit code."""
        assert self._process is not None
        self._process.terminate()
        return self._process.wait(timeout=timeout)

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def control(self, path: str, **content: Any) -> Any:
        """POST when there is something to say or to do, GET for what is only read."""
        reads = {"requests", "deliveries", "faults", "clock", "settings", "delivery_mode"}
        if path.partition("?")[0] in reads and not content:
            return self._call("GET", path, None)
        return self._call("POST", path, content)

    def pay(self, session_id: str, *, card: str = "4242424242424242", **more: Any) -> Any:
        return self.control(f"sessions/{session_id}/pay", card=card, **more)

    def requests(self, *, method: str = "", path: str = "") -> list[dict[str, Any]]:
        """The API requests it has received, oldest first."""
        wanted = urllib.parse.urlencode(
            {name: value for name, value in (("method", method), ("path", path)) if value}
        )
        received: list[dict[str, Any]] = self._call("GET", f"requests?{wanted}", None)["requests"]
        return received

    def wait_until_held(self, count: int = 1, *, within: float = 180) -> None:
        """Until so many answers are being held by a fault of the kind `hold`."""
        deadline = time.monotonic() + within
        while self.control("faults")["holding"] < count:
            assert time.monotonic() < deadline, f"not {count} answers held within {within} s"
            time.sleep(0.01)

    def reset(self) -> None:
        self.control("reset")

    def _call(self, method: str, path: str, content: dict[str, Any] | None) -> Any:
        body = None if content is None else json.dumps(content).encode()
        request = urllib.request.Request(f"{self.url}/_control/{path}", data=body, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                raise AssertionError(
                    f"{method} /_control/{path}: {error.code} {error.read().decode()}"
                ) from None

    def _spawn(self, webhook_url: str, webhook_secret: str, debit_seconds: float) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "sandbox", "--quiet", "--port", str(self.port)]
        command += ["--public-url", self.url, "--debit-seconds", str(debit_seconds)]
        command += ["--state", self.state] if self.state else []
        command += ["--webhook-url", webhook_url, "--webhook-secret", webhook_secret] if webhook_url else []
        clean = {name: value for name, value in os.environ.items() if not name.startswith("SANDBOX_")}
        return subprocess.Popen(command, cwd=PROJECT, env=clean, stderr=subprocess.DEVNULL)

    def _answers(self) -> bool:
        assert self._process is not None
        deadline = time.monotonic() + _LONGEST_START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                with urllib.request.urlopen(f"{self.url}/healthz", timeout=2):
                    return True
            except OSError:
                time.sleep(0.01)
        if self._process.poll() is None:
            self.kill()
        return False


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
