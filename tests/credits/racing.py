"""Many at once: each in a thread and a connection of its own, let go together."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import psycopg
from django.db import connection

Outcome = object


def race(act: Callable[[int], Outcome], *, count: int) -> list[Outcome]:
    """Return what `act(0)` .. `act(count - 1)` returned or raised."""
    barrier = threading.Barrier(count)

    def run(number: int) -> Outcome:
        connection.ensure_connection()
        barrier.wait(timeout=30)
        try:
            return act(number)
        except Exception as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


@contextmanager
def without_account_lock(owner: psycopg.Connection) -> Iterator[None]:
    """The ledger as it would be if spend read the account without locking it: the twin of a race test."""
    ((kept,),) = owner.execute("select pg_get_functiondef('credits_spend'::regproc)").fetchall()
    # All have looked for their key, and none has written yet, when the clock is read.
    naive = kept.replace(" for no key update;", ";").replace("v_now :=", "perform pg_sleep(0.2); v_now :=")
    assert naive.count("pg_sleep") == 1
    assert "for no key update" not in naive
    owner.execute(naive)
    try:
        yield
    finally:
        owner.execute(kept)
