"""A million stale checkout sessions: `python -m bench.cleanup --rows 1000000`.

The clean-up, beside somebody else who keeps using the very rows that it is at, against one plain UPDATE and one DELETE
over the same rows: each in a table without dead rows, after a checkpoint, with the clean-up's log lines written. Exits
1 where a promise is not kept; with `--rounds 3` by the median of the ratios.
"""

import argparse
import json
import logging
import os
import random
import resource
import statistics
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

import psycopg
from django.db import connection, transaction

from bench.fresh_database import fresh_database

if TYPE_CHECKING:
    from checkout.locks import Batch

MOST_TIMES_PLAIN = 2.0
LONGEST_WAIT_MS = 100
MOST_GROWTH_MB = 64
WORST = ("longest_transaction_ms", "longest_wait_ms", "growth_mb")
STEP = 100

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
SOME = f"""
select id from (
  select id, row_number() over (order by created_at) as place from checkout_checkoutsession
) as sessions where place % {STEP} = 1 order by place
"""
UPDATE = """
update checkout_checkoutsession set status = 'expired', end_reason = 'time_passed'
where status = 'active' and expires_at <= now()
"""
DELETE = """
delete from checkout_checkoutsession where created_at <= now() - interval '7 days' and status <> 'completed'
"""


def main() -> int:
    """Measure, print all as JSON and the gist as the last line; the exit code says whether the promises are kept."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=1, help="of both; the median of the ratios counts")
    asked = parser.parse_args()
    with fresh_database("coffer_bench_cleanup") as url, Path(os.devnull).open("w") as nowhere:
        for handler in logging.getLogger().handlers:
            handler.setStream(nowhere)  # type: ignore[attr-defined]
        measured = _measure(url, asked.rows, asked.rounds)
        connection.close()
    print(json.dumps(measured, indent=2))
    print(_sentence(measured))
    return 0 if all(measured["kept"].values()) else 1


def _sentence(measured: dict[str, Any]) -> str:
    """For docs/bench.md, which quotes the last line."""
    worst = {name: max(one[name] for one in measured["rounds"]) for name in WORST}
    return (
        f"{measured['rows']:,} sessions expired and deleted in {measured['ratio']} times a plain UPDATE and DELETE,"
        f" longest transaction {worst['longest_transaction_ms']} ms, longest wait {worst['longest_wait_ms']} ms,"
        f" {worst['growth_mb']} MB; wanted: {MOST_TIMES_PLAIN} times, {LONGEST_WAIT_MS} ms, {MOST_GROWTH_MB} MB"
    )


def _measure(url: str, rows: int, rounds: int) -> dict[str, Any]:
    with psycopg.connect(url, autocommit=True) as superuser:
        superuser.execute(TIER)
        superuser.execute(PEOPLE, [rows])
        found = [_round(superuser, rows) for _ in range(rounds)]
    ratio = round(statistics.median(one["ratio"] for one in found), 2)
    return {
        "rows": rows,
        "ratio": ratio,
        "rounds": found,
        "kept": {
            "time": ratio <= MOST_TIMES_PLAIN,
            "transaction": max(one["longest_transaction_ms"] for one in found) <= LONGEST_WAIT_MS,
            "wait": max(one["longest_wait_ms"] for one in found) <= LONGEST_WAIT_MS,
            "memory": max(one["growth_mb"] for one in found) <= MOST_GROWTH_MB,
        },
    }


def _round(superuser: psycopg.Connection, rows: int) -> dict[str, Any]:
    with _somebody_else(_fill(superuser), Work(rows)) as waits:
        plain = _seconds(UPDATE) + _seconds(DELETE)
    found = _clean_up(_fill(superuser), Work(rows))
    return {
        "ratio": round(found["seconds"] / plain, 2),
        "plain_seconds": round(plain, 2),
        "plain_longest_wait_ms": round(max(waits), 1),
        **found,
    }


class Work:
    """How far the clean-up is, for somebody else who wants the same rows, and how long its transactions took."""

    def __init__(self, rows: int) -> None:
        self.rows, self.done, self.transactions = rows, 0, list[float]()

    def timed(self, step: Callable[..., "Batch | None"]) -> Callable[..., "Batch | None"]:
        """The same step, noted here."""

        def timed(*args: Any, **words: Any) -> "Batch | None":
            started = time.perf_counter()
            batch = step(*args, **words)
            self.transactions.append((time.perf_counter() - started) * 1000)
            self.done += batch.size if batch else 0
            return batch

        return timed


def _fill(superuser: psycopg.Connection) -> list[uuid.UUID]:
    """The same stale sessions, one a person, in a table without dead rows. Returns every 100th, the oldest first."""
    superuser.execute("truncate checkout_checkoutsession cascade")
    superuser.execute(SESSIONS)
    superuser.execute("vacuum analyze")
    some = [row[0] for row in superuser.execute(SOME)]
    superuser.execute("checkpoint")
    return some


def _clean_up(some: list[uuid.UUID], work: Work) -> dict[str, Any]:
    """Expire and delete as the beat does, while somebody else keeps using the sessions that it is at."""
    from checkout import batches, sessions

    expire, delete = batches.expire, batches.delete
    batches.expire, batches.delete = work.timed(expire), work.timed(delete)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with _somebody_else(some, work) as waits:
        started, cpu = time.perf_counter(), time.process_time()
        expired, deleted = sessions.expire_due(), sessions.delete_old()
        seconds, python = time.perf_counter() - started, time.process_time() - cpu
    batches.expire, batches.delete = expire, delete
    assert expired >= work.rows - len(waits), f"{expired} of {work.rows} expired"
    growth = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    return {
        "seconds": round(seconds, 2),
        "python_seconds": round(python, 2),
        "expired": expired,
        "deleted": deleted,
        "transactions": len(work.transactions),
        "longest_transaction_ms": round(max(work.transactions), 1),
        "calls_of_somebody_else": len(waits),
        "longest_wait_ms": round(max(waits), 1),
        "growth_mb": round(growth, 1),
    }


@contextmanager
def _somebody_else(some: list[uuid.UUID], work: Work) -> Iterator[list[float]]:
    """A buyer after another opens the page of a session that is worked on; how long each waited, in milliseconds."""
    waits: list[float] = []
    is_there, is_over = Event(), Event()
    thread = Thread(target=_use, args=(some, work, waits, is_there, is_over))
    thread.start()
    is_there.wait()
    try:
        yield waits
    finally:
        is_over.set()
        thread.join()


def _use(some: list[uuid.UUID], work: Work, waits: list[float], is_there: Event, is_over: Event) -> None:
    from checkout.models import CheckoutSession

    with connection.cursor() as cursor:
        cursor.execute("set lock_timeout = 0; set statement_timeout = 0")
    is_there.set()
    while not is_over.is_set():
        # Of what is done so far, expired and then deleted: somewhere in the next batch, which is locked by now.
        place = (work.done % work.rows + random.randrange(1000)) // STEP
        started = time.perf_counter()
        with transaction.atomic():
            wanted = CheckoutSession.objects.filter(pk=some[min(place, len(some) - 1)])
            wanted.select_for_update(no_key=True).first()
        waits.append((time.perf_counter() - started) * 1000)
        is_over.wait(0.02)
    connection.close()


def _seconds(statement: str) -> float:
    """How long a plain statement takes, as the role that the clean-up has."""
    with connection.cursor() as cursor:
        cursor.execute("set statement_timeout = 0")
        started = time.perf_counter()
        cursor.execute(statement)
        return time.perf_counter() - started


if __name__ == "__main__":
    sys.exit(main())
