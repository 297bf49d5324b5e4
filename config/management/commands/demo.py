"""The whole of Coffer on one machine: what `make run` starts."""

import json
import os
import signal
import sys
import time
from argparse import ArgumentParser
from pathlib import Path
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, connection

from config import embedded_postgres, state_folder
from config.demo_processes import PortTaken, Processes, answers, refuse_taken_port
from config.owner import owner_connection, unreachable
from credits.hardening import harden

START_SECONDS = 300
RESTART_SECONDS = 5


class Command(BaseCommand):
    """Migrate, seed, start sandbox, web, worker and beat; end all of them on Ctrl-C."""

    help = "Run the demo: database, sandbox, web, worker and beat. Needs DEBUG=true."

    def add_arguments(self, parser: ArgumentParser) -> None:
        port, sandbox_port = os.environ.get("PORT") or "8000", os.environ.get("SANDBOX_PORT") or "8001"
        parser.add_argument("--port", default=port, help="the web server's; else PORT, else 8000")
        parser.add_argument(
            "--sandbox-port", default=sandbox_port, help="the sandbox's; else SANDBOX_PORT, else 8001"
        )

        words = "print one JSON object once all of it runs; what is said to people goes to stderr"
        parser.add_argument("--json", action="store_true", help=words)

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEBUG:
            raise CommandError("The demo needs DEBUG=true: it makes users with a known password.")
        web, sandbox = _port("PORT", options["port"]), _port("SANDBOX_PORT", options["sandbox_port"])
        has_sandbox = settings.USES_SANDBOX
        self._is_json = options["json"]
        self._words = self.stderr if self._is_json else self.stdout
        try:
            refuse_taken_port("web server", web, "PORT")
            if has_sandbox:
                refuse_taken_port("sandbox", sandbox, "SANDBOX_PORT")
            with state_folder.kept(settings.STATE_DIR):
                self._run(web, sandbox, has_sandbox=has_sandbox)
        except (PortTaken, state_folder.FolderTaken) as error:
            raise CommandError(str(error)) from None

    def _run(self, web: int, sandbox: int, *, has_sandbox: bool) -> None:
        processes = Processes(
            settings.STATE_DIR / "logs", _environment(web, sandbox, has_sandbox=has_sandbox)
        )
        for number in (signal.SIGINT, signal.SIGTERM):
            # Said even for SIGINT: a shell starts what runs in the background with it ignored.
            signal.signal(number, _interrupt)
        try:
            try:
                self._prepare_database()
            except OperationalError as error:
                raise CommandError(unreachable(error)) from None
            self._start(processes, web, sandbox, has_sandbox=has_sandbox)
            self._wait_until_ready(processes, web)
            self._welcome(web, sandbox, has_sandbox=has_sandbox)
            self._watch(processes)
        except KeyboardInterrupt:
            self._words.write("\nStopping ...")
        finally:
            # A second Ctrl-C must not leave half of them behind.
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, signal.SIG_IGN)
            processes.stop()
            if settings.USES_EMBEDDED_POSTGRES:
                # Whoever had to be killed still counts as a user of the server, and it would outlive us.
                embedded_postgres.forget_dead_users(settings.POSTGRES_DIR)
            connection.close()

    def _prepare_database(self) -> None:
        self._words.write("Preparing the database ...")
        call_command("migrate", verbosity=0, interactive=False)
        runtime_role = str(connection.settings_dict["USER"])
        if runtime_role != settings.MIGRATE_DATABASE.get("USER"):
            with owner_connection():
                harden(runtime_role)
        call_command("seed_demo", verbosity=0)

    def _start(self, processes: Processes, web: int, sandbox: int, *, has_sandbox: bool) -> None:
        if settings.USES_EMBEDDED_POSTGRES:
            processes.start("database", ["config.demo_database", str(settings.POSTGRES_DIR)])
        if has_sandbox:
            processes.start("sandbox", _sandbox_command(web, sandbox))
        gunicorn = ["gunicorn", "config.wsgi:application", "--bind", f"127.0.0.1:{web}", "--workers", "2"]
        processes.start("web", [*gunicorn, "--threads", "4", "--no-control-socket"])
        worker = ["celery", "--app", "config", "worker", "--beat", "--concurrency", "1", "--loglevel", "INFO"]
        processes.start("worker", worker)

    def _wait_until_ready(self, processes: Processes, web: int) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not answers(f"http://127.0.0.1:{web}/healthz/ready"):
            self._refuse_death(processes)
            if time.monotonic() > deadline:
                raise CommandError(f"The web server did not get ready. Its log: {processes.log('web')}")
            time.sleep(0.2)

    def _watch(self, processes: Processes) -> None:
        """The worker is started again, as systemd would: a message that nobody can read ends it. Nothing else ends."""
        while True:
            if processes.dead() == "worker":
                self._words.write(
                    f"The worker has ended and is started again. Its log: {processes.log('worker')}"
                )
                time.sleep(RESTART_SECONDS)
                processes.restart("worker")
            self._refuse_death(processes)
            time.sleep(0.5)

    def _refuse_death(self, processes: Processes) -> None:
        if name := processes.dead():
            raise CommandError(f"The {name} process has ended. Its last words:\n{processes.tail(name)}")

    def _welcome(self, web: int, sandbox: int, *, has_sandbox: bool) -> None:
        lines = [
            "",
            f"  Coffer is running      http://localhost:{web}",
            "  Demo buyer             demo@example.com / demo-password",
            f"  Operator               admin@example.com / demo-password at http://localhost:{web}/admin/",
        ]
        if has_sandbox:
            lines += [
                f"  Sandbox's panel        http://localhost:{sandbox}",
                "  Test cards             4242 4242 4242 4242   pays",
                "                         4000 0000 0000 0002   is declined",
                "                         4000 0000 0000 9995   has insufficient funds",
                "                         4000 0025 0000 3155   asks for 3-D Secure",
                "                         (any future date, any CVC; the page also offers a bank debit)",
            ]
        lines += [
            f"  Logs                   {settings.STATE_DIR / 'logs'}",
            "  Stop                   Ctrl-C",
            "",
        ]
        self._words.write("\n".join(lines))
        self._words.flush()
        if self._is_json:
            addresses = {
                "web": f"http://localhost:{web}",
                "sandbox": f"http://localhost:{sandbox}" if has_sandbox else None,
            }
            self.stdout.write(json.dumps({**addresses, "logs": str(settings.STATE_DIR / "logs")}))
            self.stdout.flush()


def _port(name: str, text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise CommandError(f"{name} must be a number from 1 to 65535, not {text!r}.")
    return int(text)


def _environment(web: int, sandbox: int, *, has_sandbox: bool) -> dict[str, str]:
    """What the children are told: everything the demo decided, so that they decide nothing themselves."""
    decided = {
        "DEBUG": "true",
        "PYTHONUNBUFFERED": "1",
        "DJANGO_SETTINGS_MODULE": settings.SETTINGS_MODULE,
        "DATABASE_URL": settings.DATABASE_URL,
        "MIGRATE_DATABASE_URL": settings.MIGRATE_DATABASE_URL,
        "PUBLIC_BASE_URL": os.environ.get("PUBLIC_BASE_URL") or f"http://localhost:{web}",
    }
    if has_sandbox:
        decided["STRIPE_API_BASE"] = f"http://localhost:{sandbox}"
    return {**os.environ, **decided}


def _sandbox_command(web: int, sandbox: int) -> list[str]:
    state: Path = settings.STATE_DIR / "sandbox.sqlite3"
    return [
        "sandbox",
        *("--host", "127.0.0.1"),
        *("--port", str(sandbox)),
        *("--public-url", f"http://localhost:{sandbox}"),
        *("--webhook-url", f"http://localhost:{web}/webhooks/stripe/"),
        *("--webhook-secret", settings.STRIPE_WEBHOOK_SECRETS[0]),
        *("--state", str(state)),
    ]


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if sys.platform == "win32":  # pragma: no cover
    raise ImportError("The demo needs process groups: run it on Linux, macOS or WSL.")
