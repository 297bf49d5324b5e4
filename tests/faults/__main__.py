"""`make faults`: every case of docs/faults.md, the long ones too; one line each, and how many were survived.

A case is survived when it went as it must and all invariants held soon after. A twin runs without a guard, and
is counted apart: it must see the harm that the guard prevents.
"""

import os
import sys
import time

import pytest

from tests.faults import page

CASES = [
    "tests/faults",
    "tests/purchases/test_races.py",
    "tests/checkout/test_races.py",
    "tests/credits/test_races.py",
]
LONG_ROUNDS = "200"


class Report:
    """One line a case, as soon as it is over."""

    def __init__(self) -> None:
        self.good: dict[str, int] = {"survived": 0, "bitten": 0}
        self.bad: list[str] = []
        self._failed: dict[str, str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.skipped:
            self._failed[report.nodeid] = "skipped"
        elif report.failed:
            self._failed.setdefault(report.nodeid, report.longreprtext.strip().splitlines()[-1][:200])
        if report.when == "teardown":
            self._say(report.nodeid)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.bad.append(report.nodeid)
            _line(f"not read  {report.nodeid}: {report.longrepr}")

    def _say(self, nodeid: str) -> None:
        good = "bitten" if _is_twin(nodeid) else "survived"
        why = self._failed.get(nodeid)
        if why is None:
            self.good[good] += 1
        else:
            self.bad.append(nodeid)
        word, reason = (f"NOT {good}", f": {why}") if why else (good, "")
        _line(f"{word:<12}  {_sentence(nodeid)}{reason}")


def _sentence(nodeid: str) -> str:
    return nodeid.rpartition("::")[2].removeprefix("test_").replace("_", " ")


def _is_twin(nodeid: str) -> bool:
    return page.is_twin(nodeid.rpartition("::")[2])


def cases() -> list[str]:
    """What is run where nothing is chosen: whole files, and whatever else docs/faults.md names."""
    where = page.places()
    named = {name: None for row in page.rows() for name in (*row.tests, *row.twins)}
    places = [place for name in named for place in where[name]]
    return [*CASES, *[place for place in places if not place.startswith(tuple(CASES))]]


def _line(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> int:
    """Run them all; 0 where every one was survived."""
    os.environ.setdefault("FAULTS_ROUNDS", LONG_ROUNDS)
    report, began = Report(), time.monotonic()
    chosen = sys.argv[1:] or cases()
    pytest.main([*chosen, "-p", "no:terminal", "-p", "no:cacheprovider"], plugins=[report])
    twins = [case for case in report.bad if _is_twin(case)]
    survived, bitten = report.good["survived"], report.good["bitten"]
    minutes = (time.monotonic() - began) / 60
    _line(
        f"\n{survived} of {survived + len(report.bad) - len(twins)} survived; {bitten} of {bitten + len(twins)}"
        f" twins without a guard were harmed, as they must be ({minutes:.0f} minutes)"
    )
    return 1 if report.bad or not survived else 0


if __name__ == "__main__":
    sys.exit(main())
