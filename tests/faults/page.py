"""docs/faults.md, read: which tests it names, and where they are."""

import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
_NAME = re.compile(r"`(test_\w+)`")


@dataclass(frozen=True, kw_only=True)
class Row:
    """One fault: the tests that hold it, their twins, and how the tests bite where they have none."""

    fault: str
    tests: tuple[str, ...]
    twins: tuple[str, ...]
    bites: str


def rows() -> list[Row]:
    """Every fault on the page."""
    lines = (ROOT / "docs/faults.md").read_text().splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")]
    return [
        Row(
            fault=fault,
            tests=tuple(_NAME.findall(held_by)),
            twins=tuple(_NAME.findall(without)),
            bites=without if without.startswith("bites: ") else "",
        )
        for fault, _outcome, held_by, without in cells
        if fault != "what happens"
    ]


def places() -> dict[str, list[str]]:
    """Where each test is, as pytest calls it."""
    found = defaultdict(list)
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for name in re.findall(r"^def (test_\w+)", path.read_text(), re.MULTILINE):
            found[name].append(f"{path.relative_to(ROOT).as_posix()}::{name}")
    return dict(found)


def is_twin(name: str) -> bool:
    """Whether a test is one that runs without a guard."""
    return name.startswith("test_without_") or "_fail_without_" in name
