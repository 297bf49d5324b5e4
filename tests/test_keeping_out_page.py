"""docs/keeping-out.md names tests that are there."""

import re

from tests.faults import page

NAMES = re.findall(r"`(test_\w+)`", (page.ROOT / "docs/keeping-out.md").read_text())


def test_every_test_on_the_page_is_there() -> None:
    places = page.places()

    assert len(NAMES) > 60
    assert [name for name in NAMES if name not in places] == []


def test_every_row_has_one() -> None:
    rows = (page.ROOT / "docs/keeping-out.md").read_text().splitlines()

    assert [row for row in rows if row.startswith("| ") and row.count("`test_") == 0] == [
        "| what is tried | what it gets | tried by |"
    ]
