"""The daily proof of 10,000 paid sessions: `python -m bench.prove --sessions 10000`.

Most are copies of one that was bought, at Stripe (the sandbox, a process beside) and in our books; some are paid and
not credited, as if every other net had failed: the proof must settle them, and a second one find nothing. `prove`
runs as a process of its own, as an operator runs it. Exits 1 where a promise is not kept.
"""

import argparse
import json
import os
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from typing import Any

import psycopg

from bench.fresh_database import PROJECT, fresh_database
from tests.sandbox_process import SandboxProcess

MOST_SECONDS, MOST_MEGABYTES = 120, 300
COPIED_AT_STRIPE = """
with recursive copies (number) as (select 1 union all select number + 1 from copies where number < :count)
insert into object (id, kind, created, status, payment_intent, data, hidden)
select printf('cs_test_copy%07d', number), kind, created, status, printf('pi_copy%07d', number),
  replace(replace(data, id, printf('cs_test_copy%07d', number)), payment_intent, printf('pi_copy%07d', number)), hidden
from object, copies where id = :session
"""
COPIED_HERE = """
insert into {table} ({columns}) select {values} from {table}, generate_series(1, %s) as number where {it}
"""
NAME = "'{}_copy' || lpad(number::text, 7, '0')"
SESSION, INTENT = NAME.format("cs_test"), NAME.format("pi")


def main() -> int:
    """Measure, print one JSON object, and say by the exit code whether the promises are kept."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--sessions", type=int, default=10_000)
    parser.add_argument("--missing", type=int, default=100)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="coffer-bench-") as folder:
        stripe = SandboxProcess(state=f"{folder}/sandbox.sqlite3").start()
        os.environ["STRIPE_API_BASE"] = stripe.url
        try:
            stripe.control("delivery_mode", mode="off")
            with fresh_database("coffer_bench_prove") as url:
                _fill(stripe, url, copies=asked.sessions - asked.missing - 1, missing=asked.missing)
                measured = _measure(sessions=asked.sessions, missing=asked.missing)
        finally:
            stripe.kill()
    print(json.dumps(measured, indent=2))
    return 0 if all(measured["kept"].values()) else 1


def _fill(stripe: SandboxProcess, url: str, *, copies: int, missing: int) -> None:
    from bench.api import silent
    from bench.webhooks import paid
    from purchases.fulfilment import settle
    from purchases.models import Purchase

    with silent():
        credited = paid(stripe, 0)
        settle(credited, via=Purchase.Via.RETURN)
        for number in range(1, missing + 1):
            paid(stripe, number)
    with sqlite3.connect(stripe.state) as books:
        books.execute(COPIED_AT_STRIPE, {"count": copies, "session": credited})
    with psycopg.connect(url) as superuser:
        superuser.execute("set session_replication_role = replica")
        _copy(
            superuser,
            "purchases_purchase",
            f"stripe_session_id = '{credited}'",
            copies,
            {"uuid": "gen_random_uuid()", "stripe_session_id": SESSION, "payment_intent": INTENT},
        )
        _copy(
            superuser,
            "credits_transaction",
            f"source = '{credited}'",
            copies,
            {"uuid": "gen_random_uuid()", "source": SESSION, "key": f"'purchase:' || {SESSION}"},
        )
    with psycopg.connect(url, autocommit=True) as superuser:
        superuser.execute("vacuum analyze")


def _copy(superuser: psycopg.Connection, table: str, it: str, count: int, other: dict[str, str]) -> None:
    named = "select column_name from information_schema.columns where table_name = %s and column_name <> 'id'"
    columns = [name for (name,) in superuser.execute(named, [table])]
    values = [other.get(name, f"{table}.{name}") for name in columns]
    statement = COPIED_HERE.format(table=table, columns=", ".join(columns), values=", ".join(values), it=it)
    superuser.execute(statement.encode(), [count])


def _measure(*, sessions: int, missing: int) -> dict[str, Any]:
    first, seconds = _prove()
    again, seconds_again = _prove()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    megabytes = used.ru_maxrss / 1024
    return {
        "sessions": first["sessions"],
        "missing": first["missing"],
        "settled": first["settled"],
        "odd": first["odd"],
        "seconds": round(seconds, 1),
        "seconds_again": round(seconds_again, 1),
        "cpu_seconds_of_both": round(used.ru_utime + used.ru_stime, 1),
        "megabytes": round(megabytes),
        "kept": {
            "time": max(seconds, seconds_again) <= MOST_SECONDS,
            "memory": megabytes <= MOST_MEGABYTES,
            "all_seen": first["sessions"] == again["sessions"] == sessions,
            "missing_settled": first["missing"] == first["settled"] == missing,
            "then_nothing": again["missing"] == first["odd"] == again["odd"] == 0,
        },
    }


def _prove() -> tuple[dict[str, Any], float]:
    began = time.perf_counter()
    words = [sys.executable, "manage.py", "prove", "--json"]
    done = subprocess.run(words, cwd=PROJECT, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - began
    assert done.stdout, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found, seconds


if __name__ == "__main__":
    sys.exit(main())
