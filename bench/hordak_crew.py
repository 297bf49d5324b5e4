"""django-hordak beside us: its own virtual environment, its own database on the same server."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from bench import beside
from bench.server import House
from bench.workers import PROJECT, Crew

WORKER = PROJECT / "bench" / "hordak_worker.py"
WANTED = ("django-hordak>=2,<3", "psycopg[binary]>=3.2,<4")
DATABASE = "coffer_bench_hordak"


@contextmanager
def hired(house: House) -> Iterator[Crew | None]:
    """Eight processes of it, ready; None (and a word why) where it cannot be installed or does not start."""
    crew = _hire(house)
    if crew is None:
        yield None
        return
    with crew:
        yield crew
    beside.drop_database(house.superuser, DATABASE)


def _hire(house: House) -> Crew | None:
    try:
        python = beside.installed(house.state / "hordak", WANTED)
        environment = beside.new_database(house.superuser, DATABASE)
        subprocess.run(
            [python, str(WORKER), "prepare"], env=environment, check=True, capture_output=True, text=True
        )
    except subprocess.CalledProcessError as error:
        print(f"django-hordak is left out: {beside.last_words(error)}")
        return None
    return Crew([python, str(WORKER)], environment=environment)
