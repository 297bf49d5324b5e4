"""What has a command of its own: each is run as a reader would run it, and its last line, or its JSON, is quoted."""

import json
import subprocess
import sys

from bench.report import Section
from bench.server import House
from bench.workers import PROJECT

COMMANDS = ["bench.verify", "bench.cleanup", "bench.prove", "bench.pages", "bench.api", "bench.webhooks"]


def measure(_house: House) -> Section:
    """One row for each."""
    return Section(
        title="Commands of their own",
        note="Each also by itself, with sizes to choose: `python -m NAME --help`.",
        columns=["command", "says"],
        rows=[[f"`python -m {name}`", _last_line(name)] for name in COMMANDS],
    )


def _last_line(name: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", name], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    _before, brace, found = done.stdout.partition("{\n")
    if brace:
        return json.dumps(json.loads(brace + found))
    lines = (done.stdout or done.stderr).strip().splitlines()
    return lines[-1] if lines else f"nothing, and exit status {done.returncode}"
