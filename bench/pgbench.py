"""Runs pgbench, prepared statements, and reads its rate."""

import re
import subprocess
from pathlib import Path

from bench.server import House
from bench.workers import ACCOUNTS, HOT

MISSING = (
    "pgbench was not found on PATH, so what it measures is left out (Debian: apt-get install postgresql)."
)


def rate(house: House, script: str, *, connections: int, is_hot: bool, seconds: float) -> float:
    """Transactions a second. In the script `:who` is a person and `:key` a new number."""
    assert house.pgbench is not None
    who = str(HOT) if is_hot else f"random(1, {ACCOUNTS})"
    path = Path(house.folder) / "script.sql"
    path.write_text(f"\\set who {who}\n\\set key random(1, 9000000000000000000)\n{script}\n")
    command = [
        house.pgbench, "--no-vacuum", "--protocol=prepared", f"--client={connections}", "--jobs=1",
        f"--time={max(1, round(seconds))}", f"--file={path}", house.runtime,
    ]  # fmt: skip
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    found = re.search(r"tps = ([0-9.]+)", answer.stdout)
    assert found is not None, answer.stdout
    return float(found[1])
