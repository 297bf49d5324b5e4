"""docs/faults.md names for each fault the tests that hold it, and what shows that they can fail."""

import pytest

from tests.faults import page
from tests.faults.__main__ import CASES, cases
from tests.faults.page import Row

ROWS = page.rows()
PLACES = page.places()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.fault[:40])
def test_a_fault_has_its_tests_and_what_shows_that_they_bite(row: Row) -> None:
    names = [*row.tests, *row.twins]

    assert row.tests
    assert row.twins or len(row.bites) > len("bites: ")
    assert {name: len(PLACES.get(name, [])) for name in names} == dict.fromkeys(names, 1)
    assert [name for name in row.tests if page.is_twin(name)] == []
    assert [name for name in row.twins if not page.is_twin(name)] == []


def test_every_twin_is_on_the_page() -> None:
    """Of the folders and files that are for faults alone."""
    named = {twin for row in ROWS for twin in row.twins}
    are_for_faults = ("tests/faults/", "/test_twins", "/test_races", "/test_claim_races", "/test_edges")

    twins = {
        name
        for name, places in PLACES.items()
        if page.is_twin(name) and any(part in place for place in places for part in are_for_faults)
    }
    assert len(twins) > 80
    assert twins - named == ELSEWHERE


ELSEWHERE = {
    "test_parallel_recoveries_fail_without_the_lock",  # of an order that ended overnight, docs/checkout.md
    "test_without_the_order_they_wait_for_each_other",  # of transfers, docs/ledger.md
    "test_without_the_name_of_the_form_a_double_click_would_be_two",  # of operators
}


def test_all_of_them_are_run_by_make_faults() -> None:
    run = cases()

    for name in {name for row in ROWS for name in (*row.tests, *row.twins)}:
        (place,) = PLACES[name]
        assert place in run or any(place.startswith(case) for case in CASES), place
    assert len(run) == len(set(run))
