"""A million stale checkout sessions: `python -m bench.cleanup --rows 1000000`.

The clean-up, beside somebody else who keeps using the table, against one plain UPDATE and one DELETE over the same
rows. Exits 1 where a promise is not kept.
"""

import argparse
import json
import logging
import resource
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any

import psycopg
from django.db import connection, transaction

from bench.fresh_database import fresh_database

MOST_TIMES_PLAIN = 2.0
LONGEST_WAIT_MS = 100
MOST_GROWTH_MB = 64

TIER = """
insert into checkout_tier (id, slug, name, credits, price_minor, currency) values (1, 'plus', 'Plus', 200, 1800, 'USD')
"""
PEOPLE = """
insert into accounts_user (password, is_superuser, is_guest, is_staff, is_active, date_joined)
select '!', false, true, false, true, now() - interval '9 days' from generate_series(1, %s)
"""
SESSIONS = """
insert into checkout_checkoutsession (id, owner_id, tier_id, tier_slug, tier_name, credits, bonus_credits, price_minor,
  currency, created_at, expires_at)
select gen_random_uuid(), person.id, 1, 'plus', 'Plus', 200, 0, 1800, 'USD',
  now() - interval '8 days' - person.id * interval '1 millisecond',
  now() - interval '7 days' - person.id * interval '1 millisecond'
from accounts_user as person
"""
UPDATE = """
update checkout_checkoutsession set status = 'expired', end_reason = 'time_passed'
where status = 'active' and expires_at <= now()
"""
DELETE = """
delete from checkout_checkoutsession where created_at <= now() - interval '7 days' and status <> 'completed'
"""


def main() -> int:
    """Measure, print one JSON object, and say by the exit code whether the promises are kept."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rows", type=int, default=1_000_000)
    rows = parser.parse_args().rows
    with fresh_database("coffer_bench_cleanup") as url:
        logging.disable(logging.INFO)
        measured = _measure(url, rows)
        connection.close()
    print(json.dumps(measured, indent=2))
    return 0 if all(measured["kept"].values()) else 1


def _measure(url: str, rows: int) -> dict[str, Any]:
    with psycopg.connect(url, autocommit=True) as superuser:
        superuser.execute(TIER)
        superuser.execute(PEOPLE, [rows])
        _fill(superuser)
        with _somebody_else() as waits:
            plain = _seconds(UPDATE) + _seconds(DELETE)
        _fill(superuser)
    found = _clean_up(rows)
    ratio = found["seconds"] / plain
    return {
        "rows": rows,
        "plain_seconds": round(plain, 2),
        "plain_longest_wait_ms": round(max(waits), 1),
        "ratio": round(ratio, 2),
        **found,
        "kept": {
            "time": ratio <= MOST_TIMES_PLAIN,
            "transaction": found["longest_transaction_ms"] <= LONGEST_WAIT_MS,
            "wait": found["longest_wait_ms"] <= LONGEST_WAIT_MS,
            "memory": found["growth_mb"] <= MOST_GROWTH_MB,
        },
    }


def _fill(superuser: psycopg.Connection) -> None:
    """The same stale sessions, one a person, in a table without dead rows."""
    superuser.execute("truncate checkout_checkoutsession cascade")
    superuser.execute(SESSIONS)
    superuser.execute("vacuum analyze")


def _clean_up(rows: int) -> dict[str, Any]:
    """Expire and delete as the beat does, while somebody else keeps using sessions of the same table."""
    from checkout import batches, sessions

    transactions: list[float] = []
    batches.expire = _timed(batches.expire, transactions)
    batches.delete = _timed(batches.delete, transactions)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with _somebody_else() as waits:
        started = time.perf_counter()
        expired, deleted = sessions.expire_due(), sessions.delete_old()
        seconds = time.perf_counter() - started
    assert expired >= rows - len(waits), f"{expired} of {rows} expired"
    growth = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    return {
        "seconds": round(seconds, 2),
        "expired": expired,
        "deleted": deleted,
        "transactions": len(transactions),
        "longest_transaction_ms": round(max(transactions), 1),
        "calls_of_somebody_else": len(waits),
        "longest_wait_ms": round(max(waits), 1),
        "growth_mb": round(growth, 1),
    }


@contextmanager
def _somebody_else() -> Iterator[list[float]]:
    """A buyer after another opens the page of the stale session; how long each waited for it, in milliseconds."""
    waits: list[float] = []
    is_over = Event()
    thread = Thread(target=_use, args=(is_over, waits))
    thread.start()
    try:
        yield waits
    finally:
        is_over.set()
        thread.join()


def _use(is_over: Event, waits: list[float]) -> None:
    from checkout.models import CheckoutSession

    with connection.cursor() as cursor:
        cursor.execute("set lock_timeout = 0; set statement_timeout = 0")
    people = list(CheckoutSession.objects.order_by("?").values_list("pk", flat=True)[:5000])
    while people and not is_over.is_set():
        pk = people.pop()
        started = time.perf_counter()
        with transaction.atomic():
            CheckoutSession.objects.select_for_update(no_key=True).filter(pk=pk).first()
        waits.append((time.perf_counter() - started) * 1000)
        is_over.wait(0.02)
    connection.close()


def _timed(verb: Callable[..., Any], into: list[float]) -> Callable[..., Any]:
    def timed(*args: Any, **words: Any) -> Any:
        started = time.perf_counter()
        batch = verb(*args, **words)
        into.append((time.perf_counter() - started) * 1000)
        return batch

    return timed


def _seconds(statement: str) -> float:
    """How long a plain statement takes, as the role that the clean-up has."""
    with connection.cursor() as cursor:
        cursor.execute("set statement_timeout = 0")
        started = time.perf_counter()
        cursor.execute(statement)
        return time.perf_counter() - started


if __name__ == "__main__":
    sys.exit(main())
