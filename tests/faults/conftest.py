"""One house for all cases. After each: what must hold, holds soon (HEALING_SECONDS at most), without help."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.buyer import Buyer
from tests.faults.house import House
from tests.faults.invariants import problems


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """All cases share one house: one test worker runs them, one after the other. `make faults` runs the whole."""
    if "FAULTS_ROUNDS" not in os.environ:
        longest = [item for item in items if item.get_closest_marker("whole")]
        items[:] = [item for item in items if item not in longest]
        config.hook.pytest_deselected(items=longest)
    for item in items:
        if "house" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("faults"))
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def built() -> Iterator[House]:
    # Not pytest's own folder: another run closes that to PostgreSQL's user, where that is not ours.
    with tempfile.TemporaryDirectory(prefix="coffer-house-") as folder:
        house = House(Path(folder)).build()
        yield house
        house.stop()


@pytest.fixture
def house(built: House) -> Iterator[House]:
    """A running house without webhooks and without a worker; each test starts what it wants."""
    built.stripe.control("delivery_mode", mode="off")
    built.start_web()
    yield built
    built.settings.clear()
    built.stripe.control("faults/clear")
    built.stripe.control("clock", reset=True)
    for name in set(built.running()) - {"web"}:
        built.kill(name)
    heal(built)


@pytest.fixture
def buyer(house: House) -> Buyer:
    return house.buyer()


def heal(house: House) -> None:
    """By itself: with a web server and a worker, as everywhere. Nobody presses a button."""
    house.start_web()
    if problems(house):
        house.start_worker()
        try:
            house.wait_for(lambda: not problems(house))
        except AssertionError:
            raise AssertionError(f"not healed: {problems(house)}") from None
        finally:
            house.kill("worker")
