"""What the process is told at its start: the command line first, SANDBOX_... variables behind it."""

import argparse
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

API_VERSION = "2026-10-28.endive"


@dataclass(frozen=True, kw_only=True)
class Options:
    host: str = "127.0.0.1"
    port: int = 8001
    public_url: str = "http://localhost:8001"
    webhook_url: str = ""
    webhook_secret: str = ""
    state: str = ""
    debit_seconds: float = 60.0
    webhook_timeout_seconds: float = 10.0
    quiet: bool = False


def read_options(arguments: Sequence[str], environment: Mapping[str, str] = os.environ) -> Options:
    """Exits with a usage message, as argparse does, when an argument makes no sense."""
    given = _parser(environment).parse_args(arguments)
    public_url = given.public_url or f"http://localhost:{given.port}"
    if given.webhook_url and not given.webhook_secret:
        raise SystemExit("sandbox: --webhook-url needs --webhook-secret: deliveries are signed with it.")
    return Options(
        host=given.host,
        port=given.port,
        public_url=public_url.rstrip("/"),
        webhook_url=given.webhook_url,
        webhook_secret=given.webhook_secret,
        state=given.state,
        debit_seconds=given.debit_seconds,
        webhook_timeout_seconds=given.webhook_timeout_seconds,
        quiet=given.quiet,
    )


def _parser(environment: Mapping[str, str]) -> argparse.ArgumentParser:
    def default(name: str, otherwise: str) -> str:
        return environment.get(f"SANDBOX_{name}", otherwise)

    words = (
        "A small Stripe for a demo and for tests. SANDBOX_PORT and the like stand in for what is not given."
    )
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=words)
    parser.add_argument("--host", default=default("HOST", "127.0.0.1"), help="where it listens (127.0.0.1)")
    parser.add_argument("--port", type=int, default=default("PORT", "8001"), help="and on which port (8001)")
    parser.add_argument("--public-url", default=default("PUBLIC_URL", ""), help="how browsers reach it")
    parser.add_argument("--webhook-url", default=default("WEBHOOK_URL", ""), help="empty: no deliveries")
    parser.add_argument("--webhook-secret", default=default("WEBHOOK_SECRET", ""), help="whsec_...")
    parser.add_argument("--state", default=default("STATE", ""), help="SQLite file; empty: memory only")
    parser.add_argument(
        "--debit-seconds",
        type=float,
        default=default("DEBIT_SECONDS", "60"),
        help="after so long a bank debit settles by itself (60); below 0: only by hand",
    )
    parser.add_argument(
        "--webhook-timeout-seconds",
        type=float,
        default=default("WEBHOOK_TIMEOUT_SECONDS", "10"),
        help="how long a delivery waits for its answer (10)",
    )
    quiet = default("QUIET", "").lower() in {"1", "true", "yes"}
    parser.add_argument("--quiet", action="store_true", default=quiet, help="no line for each request")
    return parser
