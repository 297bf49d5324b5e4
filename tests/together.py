"""Running calls at the same instant, each on a thread and a connection of its own."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar

from django.db import connection

from tests.conftest import superuser_connection

T = TypeVar("T")


def together(*calls: Callable[[], T]) -> list[T | Exception]:
    """Let all calls begin at once and return what each returned or raised, in their order."""
    barrier = Barrier(len(calls))

    def run(call: Callable[[], T]) -> T | Exception:
        try:
            connection.ensure_connection()
            barrier.wait(timeout=120)
            return call()
        except Exception as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=len(calls)) as pool:
        return list(pool.map(run, calls))


def somebody_waits() -> bool:
    """Whether a connection to the test database waits for a lock just now."""
    with superuser_connection() as superuser:
        return (
            superuser.execute(
                "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
            ).fetchone()
            is not None
        )
