"""`python -m bench`: sets up a database of its own, runs the measures, prints them and writes docs/bench.md."""

import argparse
import importlib
import pkgutil
from datetime import UTC, datetime
from pathlib import Path

from bench import measures
from bench.report import Section, written
from bench.server import open_house

REPORT = Path(__file__).resolve().parent.parent / "docs" / "bench.md"


def main() -> None:
    """Run what was asked for."""
    asked = _arguments()
    sections: list[Section] = []
    with open_house(rounds=asked.rounds, seconds=asked.seconds, entries=asked.entries) as house:
        for name in asked.only or sorted(module.name for module in pkgutil.iter_modules(measures.__path__)):
            print(f"-- {name}", flush=True)
            measure = importlib.import_module(f"bench.measures.{name}").measure
            sections.append(measure(house))
            print(sections[-1].as_text(), flush=True)
        if not asked.only:
            REPORT.write_text(written(house, sections, at=datetime.now(UTC)))
            print(f"Written to {REPORT}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each comparison; the median counts")
    parser.add_argument("--seconds", type=float, default=3.0, help="length of one run of one round")
    parser.add_argument("--entries", type=int, default=300_000, help="size of the large ledger")
    parser.add_argument("--only", nargs="*", help="names of measures; nothing is written then")
    return parser.parse_args()


if __name__ == "__main__":
    main()
