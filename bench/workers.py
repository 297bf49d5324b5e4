"""Processes that do one thing over and over: told on stdin what and how long, they answer how often they did it."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

PROJECT = Path(__file__).resolve().parent.parent
ACCOUNTS = 10_000
HOT = 7  # the person that everybody takes from


@dataclass(frozen=True, kw_only=True)
class Rate:
    """How fast it went, and what it took of the processor in Python for each."""

    per_second: float
    cpu_us: float


class Crew:
    """Eight processes, started once, so that no run pays for starting them."""

    def __init__(
        self, command: Sequence[str], *, count: int = 8, environment: dict[str, str] | None = None
    ) -> None:
        self._processes = [
            subprocess.Popen(
                command,
                cwd=PROJECT,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,  # the log lines: written, as in production, and read by nobody
                text=True,
            )
            for _ in range(count)
        ]

    def __enter__(self) -> "Crew":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        for process in self._processes:
            process.stdin.close()  # type: ignore[union-attr]
            process.wait(timeout=30)

    def run(self, what: str, *, connections: int, is_hot: bool, seconds: float) -> Rate:
        """So many of them do it at the same time."""
        order = {"what": what, "is_hot": is_hot, "seconds": seconds, "at": time.time() + 0.2}
        crew = self._processes[:connections]
        for process in crew:
            print(json.dumps(order), file=process.stdin, flush=True)
        answers = [json.loads(process.stdout.readline()) for process in crew]  # type: ignore[union-attr]
        done = sum(answer["done"] for answer in answers)
        return Rate(
            per_second=sum(answer["done"] / answer["took"] for answer in answers),
            cpu_us=1e6 * sum(answer["cpu"] for answer in answers) / done,
        )


def obey(deeds: dict[str, Callable[[bool], Any]]) -> None:
    """The other side: in each process. A deed takes whether it is the hot account's turn."""
    for line in sys.stdin:
        order = json.loads(line)
        deed, is_hot = deeds[order["what"]], order["is_hot"]
        deed(is_hot)  # connects, and fills the caches
        time.sleep(max(0, order["at"] - time.time()))
        done, cpu, begin = 0, time.process_time(), time.perf_counter()
        while time.perf_counter() - begin < order["seconds"]:
            deed(is_hot)
            done += 1
        took, cpu = time.perf_counter() - begin, time.process_time() - cpu
        print(json.dumps({"done": done, "took": took, "cpu": cpu}), flush=True)
