"""Tables: for the terminal and for docs/bench.md."""

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import psycopg

if TYPE_CHECKING:
    from bench.server import House


@dataclass(frozen=True, kw_only=True)
class Section:
    """One measure's table, with what a reader must know to believe it."""

    title: str
    note: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]

    def as_text(self) -> str:
        """For the terminal."""
        lines = [self.columns, *self.rows]
        widths = [max(len(line[i]) for line in lines) for i in range(len(self.columns))]
        return "\n".join(
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines
        )

    def as_markdown(self) -> str:
        """For docs/bench.md."""
        head = [self.columns, ["---"] * len(self.columns)]
        table = "\n".join(f"| {' | '.join(line)} |" for line in [*head, *self.rows])
        return f"## {self.title}\n\n{self.note}\n\n{table}\n"


def written(house: "House", sections: Sequence[Section], *, at: datetime) -> str:
    """The whole page."""
    return "\n".join(
        [
            "# Measured",
            "",
            f"By `make bench` on {at:%Y-%m-%d}, on {_machine()}, {_server(house)}.",
            f"Medians of {house.rounds} rounds of {house.seconds:g} s, all kinds of a table in turn, so that what else "
            "the machine does meets all of them alike. The ratios are worth more than the numbers.",
            "",
            *[section.as_markdown() for section in sections],
        ]
    )


def _machine() -> str:
    load = os.getloadavg()[2]
    return (
        f"{os.cpu_count()} cores ({platform.machine()}; load {load:.0f}), Python {platform.python_version()}"
    )


def _server(house: "House") -> str:
    with psycopg.connect(house.superuser) as connection:
        names = ("server_version", "fsync", "synchronous_commit", "shared_buffers")
        values = [connection.execute(f"show {name}").fetchone() for name in names]
    version, fsync, commit, buffers = (value[0].split(" ")[0] if value else "" for value in values)
    where = "a server of its own" if house.is_embedded else "the server of DATABASE_URL"
    return f"PostgreSQL {version} ({where}; fsync {fsync}, synchronous_commit {commit}, shared_buffers {buffers})"
