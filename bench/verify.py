"""How long the proof takes and how much memory: `python -m bench.verify --entries 1000000`.

The ledger it proves is written by a superuser with the triggers off, in one COPY a table: as the verbs would have
written it, hashes included, only sooner. `verify_ledger` then runs as a process of its own, as an operator runs it.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import psycopg

from bench.fresh_database import PROJECT, fresh_database

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
MOST_SECONDS, MOST_MEGABYTES = 60, 300


def main() -> None:
    """Print one line; exit 1 where the proof finds anything."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--entries", type=int, default=1_000_000)
    arguments.add_argument("--accounts", type=int, default=1000)
    given = arguments.parse_args()
    with fresh_database("coffer_bench_verify") as url:
        build(url, entries=given.entries, accounts=given.accounts)
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
        start = time.monotonic()
        done = subprocess.run(
            [sys.executable, "manage.py", "verify_ledger", "--json"],
            cwd=PROJECT, capture_output=True, text=True, check=False,
        )  # fmt: skip
        seconds = time.monotonic() - start
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    found = json.loads(done.stdout)
    print(
        f"verify_ledger: {found['accounts']:,} accounts, {found['entries']:,} entries,"
        f" {len(found['problems'])} problems: {seconds:.1f} s ({used.ru_utime - before:.1f} s of Python),"
        f" {used.ru_maxrss / 1024:.0f} MB; wanted: under {MOST_SECONDS} s and {MOST_MEGABYTES} MB"
    )
    sys.exit(done.returncode)


def build(url: str, *, entries: int, accounts: int) -> None:
    """One lot for each account, and spends of one credit until there are that many entries."""
    each = entries // accounts
    with psycopg.connect(url) as superuser:
        superuser.execute("set session_replication_role = replica")
        books = [Book(number, each) for number in range(1, accounts + 1)]
        _copy(
            superuser,
            "accounts_user",
            ({"id": book.number, **PERSON, "email": f"{book.number}@example.com"} for book in books),
        )
        _copy(superuser, "credits_transaction", (row for book in books for row in book.transactions()))
        _copy(superuser, "credits_entry", (row for book in books for row in book.entries()))
        _copy(superuser, "credits_lot", (book.lot() for book in books))
        _copy(superuser, "credits_account", (book.account() for book in books))
    with psycopg.connect(url, autocommit=True) as superuser:
        superuser.execute("vacuum analyze")


PERSON = {
    "password": "!", "is_superuser": False, "is_guest": False, "is_staff": False, "is_active": True,
    "date_joined": BEGIN,
}  # fmt: skip


@dataclass
class Book:
    """One account: granted `each - 1` credits, which it spends one by one."""

    number: int
    each: int

    def __post_init__(self) -> None:
        from credits.models import NO_HASH

        self.granted = max(self.each - 1, 1)
        self.lot_uuid = _uuid("lot", self.number)
        self.head, self.at = NO_HASH, BEGIN

    def transactions(self) -> Iterator[dict[str, Any]]:
        return (self.transaction(seq) for seq in range(1, self.each + 1))

    def transaction(self, seq: int) -> dict[str, Any]:
        from credits.canonical import transaction_digest

        amount = self.granted if seq == 1 else 1
        row: dict[str, Any] = {
            "id": (self.number - 1) * self.each + seq, "account_id": self.number,
            "uuid": _uuid("transaction", self.number, seq), "kind": "grant" if seq == 1 else "spend", "scope": "bench",
            "key": f"job:{seq}", "fingerprint": bytes(32), "amount": amount, "source": "", "reverses_id": None,
            "about_lot_id": None, "actor": "bench", "reason": "One page rendered", "metadata": "{}",
            "result": _as_jsonb(self.result(seq, amount)), "created_at": BEGIN + seq * timedelta(seconds=1),
        }  # fmt: skip
        words = {
            **row,
            **{
                f"transaction_{name}": row[name]
                for name in ("uuid", "account_id", "kind", "amount", "created_at")
            },
        }
        return {**row, "digest": transaction_digest(SimpleNamespace(**words))}

    def result(self, seq: int, amount: int) -> dict[str, Any]:
        stored = {
            "id": str(_uuid("transaction", self.number, seq)), "account": str(_uuid("account", self.number)),
            "free_before": 0, "held_before": 0, "debt_before": 0, "free": amount, "held": 0, "debt": 0,
            "lifetime": self.granted, "spent": seq - 1, "version": seq,
        }  # fmt: skip
        if seq > 1:
            return {**stored, "taken": [[str(self.lot_uuid), amount]]}
        terms = {
            "lot": str(self.lot_uuid), "kind": "promo", "amount": amount, "priority": 100, "expires_at": None,
            "purchase_ref": "", "price_minor": None, "currency": "",
        }  # fmt: skip
        return {**stored, "added": amount, "lots": [terms]}

    def entries(self) -> Iterator[dict[str, Any]]:
        from credits.canonical import entry_hash

        for seq in range(1, self.each + 1):
            transaction = self.transaction(seq)
            row = {
                "id": transaction["id"], "account_id": self.number, "transaction_id": transaction["id"],
                "lot_id": self.number, "counter_account_id": None, "account_seq": seq,
                "kind": "promo" if seq == 1 else "spend",
                "amount": self.granted if seq == 1 else -1, "debt_change": 0, "balance_after": self.granted - seq + 1,
                "debt_after": 0, "prev_hash": self.head, "created_at": transaction["created_at"],
            }  # fmt: skip
            digest = transaction["digest"]
            self.head = entry_hash(SimpleNamespace(**row), previous=self.head, digest=digest)
            self.at = transaction["created_at"]
            yield {**row, "row_hash": self.head}

    def lot(self) -> dict[str, Any]:
        left = self.granted - self.each + 1
        return {
            "id": self.number, "account_id": self.number, "transaction_id": (self.number - 1) * self.each + 1,
            "uuid": self.lot_uuid, "kind": "promo", "granted": self.granted, "remaining": left, "is_open": left > 0,
            "moved_seq": self.each, "created_at": BEGIN + timedelta(seconds=1),
        }  # fmt: skip

    def account(self) -> dict[str, Any]:
        return {
            "id": self.number, "uuid": _uuid("account", self.number), "user_id": self.number,
            "posted": self.granted - self.each + 1, "lifetime": self.granted, "spent": self.each - 1, "seq": self.each,
            "version": self.each, "head_hash": self.head, "entry_at": self.at, "created_at": BEGIN,
        }  # fmt: skip


def _uuid(*words: object) -> uuid.UUID:
    return uuid.uuid5(uuid.NAMESPACE_OID, str(words))


def _as_jsonb(value: Any) -> str:
    """As PostgreSQL writes jsonb: the shortest names first."""
    return json.dumps(_sorted(value))


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _sorted(value[name]) for name in sorted(value, key=lambda name: (len(name), name))}
    return [_sorted(one) for one in value] if isinstance(value, list) else value


def _copy(connection: psycopg.Connection, table: str, rows: Iterator[dict[str, Any]]) -> None:
    first = next(rows)
    with connection.cursor().copy(f"copy {table} ({', '.join(first)}) from stdin") as copy:
        copy.write_row(list(first.values()))
        for row in rows:
            copy.write_row(list(row.values()))


if __name__ == "__main__":
    main()
