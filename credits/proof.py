"""The proof that every balance is the sum of its entries, of its lots and holds, and that no entry was touched.

Reads everything once, in one snapshot, an account at a time, and trusts no function of the database for its sums.
"""

import json
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.db import connection, transaction
from psycopg.rows import namedtuple_row

from credits import canonical, proof_queries
from credits.models import NO_HASH


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One thing that is not as it must be: on which account, where, and what."""

    account: str
    where: str
    what: str


@dataclass(kw_only=True)
class Report:
    """What was looked at and what was wrong with it."""

    accounts: int = 0
    entries: int = 0
    problems: list[Problem] = field(default_factory=list)


def prove(*, account: uuid.UUID | None = None) -> Report:
    """Check every account, or one; write nothing. The memory it takes does not grow with the number of entries."""
    report = Report()
    with _snapshot():
        wanted = {"account": account}
        entries = _Groups(_stream(proof_queries.ENTRIES, wanted))
        lots = _Groups(_stream(proof_queries.LOTS, wanted))
        holds = _Groups(_stream(proof_queries.HOLDS, wanted))
        for row in _stream(proof_queries.ACCOUNTS, wanted):
            ledger = _Ledger(row, report)
            for entry in entries.of(row.id):
                ledger.follow(entry)
            ledger.compare_lots(lots.of(row.id))
            ledger.compare_holds(holds.of(row.id))
            ledger.compare_account()
        for digest_row in _stream(proof_queries.TRANSACTIONS_WITHOUT_ENTRIES, wanted):
            if canonical.transaction_digest(digest_row) != digest_row.digest:
                what = "does not have the digest it was stored with"
                report.problems.append(_of_transaction(digest_row, what))
        for group in (entries, lots, holds):
            report.problems += [
                Problem(account=str(row.account_id), where="account", what="is missing, though rows name it")
                for row in group.rest()
            ]
    return report


class _Ledger:
    """One account, added up again from its entries."""

    def __init__(self, account: Any, report: Report) -> None:
        self.account, self.report = account, report
        self.uuid = str(account.uuid)
        self.seq = self.balance = self.debt = self.lifetime = self.spent = 0
        self.head = NO_HASH
        self.at = account.created_at
        self.lots: dict[int, tuple[int, int]] = {}  # what remains, and the entry that moved it last
        self.heirs: set[int] = set()  # accounts that this one's credits and debt went to
        report.accounts += 1

    def follow(self, entry: Any) -> None:
        """Add one entry, and say what is wrong with it."""
        self.report.entries += 1
        self.seq, self.balance, self.debt = (
            self.seq + 1,
            self.balance + entry.amount,
            self.debt + entry.debt_change,
        )
        self.lifetime += _lifetime_change(entry)
        self.spent -= entry.amount if entry.kind in ("spend", "capture", "reversal") else 0
        if entry.lot_id is not None:
            self.lots[entry.lot_id] = (
                self.lots.get(entry.lot_id, (0, 0))[0] + entry.amount,
                entry.account_seq,
            )
        if entry.kind == "transfer" and (entry.amount < 0 or entry.debt_change < 0):
            self.heirs.add(entry.counter_account_id)
        self._check_entry(entry)
        # From here on compare with what is stored, so that one wrong row is one problem and not a thousand.
        self.seq, self.head, self.at = entry.account_seq, entry.row_hash, entry.created_at

    def _check_entry(self, entry: Any) -> None:
        digest = canonical.transaction_digest(entry)
        row_hash = canonical.entry_hash(entry, previous=self.head, digest=digest)
        is_right = (
            entry.account_seq == self.seq
            and entry.balance_after == self.balance
            and entry.debt_after == self.debt
            and entry.transaction_account_id == self.account.id
            and entry.answered_account == self.uuid
            and entry.prev_hash == self.head
            and entry.digest == digest
            and entry.row_hash == row_hash
            and (entry.created_at >= self.at or self.head == NO_HASH)
        )
        if not is_right:
            self._say_what_is_wrong(entry, digest, row_hash)

    def _say_what_is_wrong(self, entry: Any, digest: bytes, row_hash: bytes) -> None:
        where = f"entry {entry.account_seq}"
        self._expect(where, "number", entry.account_seq, self.seq)
        self._expect(where, "balance after it", entry.balance_after, self.balance)
        self._expect(where, "debt after it", entry.debt_after, self.debt)
        self._expect(where, "transaction's account", entry.transaction_account_id, self.account.id)
        self._expect(where, "account answered", entry.answered_account, self.uuid)
        self._expect(where, "hash of the entry before it", entry.prev_hash.hex(), self.head.hex())
        self._expect(where, "transaction's digest", entry.digest.hex(), digest.hex())
        self._expect(where, "hash", entry.row_hash.hex(), row_hash.hex())
        if entry.created_at < self.at and self.head != NO_HASH:
            self._note(where, f"is of {entry.created_at}, before the entry it follows")

    def compare_lots(self, lots: Iterable[Any]) -> None:
        """Compare each lot with its entries, its open hold lines, and the terms its transaction recorded."""
        remaining = held = 0
        for lot in lots:
            where = f"lot {lot.uuid}"
            remaining, held = remaining + lot.remaining, held + lot.held
            amount, moved_seq = self.lots.pop(lot.id, (0, 0))
            self._expect(where, "remaining", lot.remaining, amount)
            self._expect(where, "moved_seq", lot.moved_seq, moved_seq)
            self._expect(where, "is_open", lot.is_open, amount > 0)
            self._expect(where, "held", lot.held, lot.lines)
            self._expect(where, "created_at", lot.created_at, lot.transaction_created_at)
            self._expect(where, "origin", lot.origin_id is not None, lot.is_descendant)
            if lot.is_of_origin is False:
                self._note(
                    where, "origin is a lot of another kind, currency or purchase, or not the first one"
                )
            for name in _TERMS:
                self._expect(where, name, _stored(lot, name), _recorded(lot, name))
        for lot_id, (amount, _seq) in self.lots.items():
            self._note("lots", f"entries name a lot {lot_id} that the account does not have, for {amount}")
        self._expect("lots", "sum of what remains", remaining, self.account.posted)
        self._expect("lots", "sum of what is held", held, self.account.held)

    def compare_holds(self, holds: Iterable[Any]) -> None:
        """Compare each hold with its lines and its transactions, and count what raises the version beside entries."""
        self.steps = 0
        for hold in holds:
            self.steps += hold.line_count + hold.has_ended
            where = f"hold {hold.uuid}"
            self._expect(where, "sum of its lines", hold.lines, hold.amount)
            self._expect(where, "number of lines of another account", hold.foreign_lines, 0)
            self._expect(where, "is_open", hold.is_open, not hold.has_ended)
            self._compare_beginning(where, hold)
            if hold.has_ended:
                self._compare_end(where, hold)

    def _compare_beginning(self, where: str, hold: Any) -> None:
        expiry = None if hold.expires_at is None else canonical.micros(hold.expires_at)
        self._expect(where, "uuid", str(hold.uuid), hold.asked_hold)
        self._expect(where, "amount", hold.amount, hold.asked_amount)
        self._expect(where, "expires_at", expiry, hold.asked_expiry)
        self._expect(where, "created_at", hold.created_at, hold.asked_at)
        self._expect(where, "lines", hold.line_parts, hold.asked_lines)

    def _compare_end(self, where: str, hold: Any) -> None:
        self._expect(where, "outcome", hold.outcome, hold.ending_outcome)
        self._expect(where, "account of its end", hold.ended_account_id, hold.account_id)
        self._expect(where, "time of its end", hold.ended_at, hold.ending_at)
        self._expect(where, "hold of its end", hold.ending_hold, str(hold.uuid))
        self._expect(where, "sum of its capture", hold.capture_entries or 0, hold.captured)

    def compare_account(self) -> None:
        """Compare the account's own numbers with what its entries make."""
        account = self.account
        self._expect("account", "posted", account.posted, self.balance)
        self._expect("account", "debt", account.debt, self.debt)
        self._expect("account", "lifetime", account.lifetime, self.lifetime)
        self._expect("account", "spent", account.spent, self.spent)
        self._expect("account", "seq", account.seq, self.seq)
        self._expect("account", "version", account.version, self.seq + self.steps)
        self._expect("account", "head_hash", account.head_hash.hex(), self.head.hex())
        if self.seq:
            self._expect("account", "entry_at", account.entry_at, self.at)
        self._compare_merge()

    def _compare_merge(self) -> None:
        account = self.account
        if account.merged_into_id is not None and (account.posted != account.held or account.debt):
            self._note("account", "merged_into is set, though it has credits or debt of its own")
        for heir in sorted(self.heirs - set(account.way)):
            self._note("account", f"merged_into does not lead to account {heir}, where its credits went")

    def _expect(self, where: str, name: str, found: object, expected: object) -> None:
        if found != expected:
            self._note(where, f"{name} is {found}, not {expected}")

    def _note(self, where: str, what: str) -> None:
        self.report.problems.append(Problem(account=str(self.account.uuid), where=where, what=what))


class _Groups:
    """A stream ordered by account, handed out account by account; what no account asks for is the rest."""

    def __init__(self, rows: Iterator[Any]) -> None:
        self._rows = rows
        self._next = next(rows, None)
        self._orphans: list[Any] = []

    def of(self, account_id: int) -> Iterator[Any]:
        while self._next is not None and self._next.account_id < account_id:
            self._orphans.append(self._take())
        while self._next is not None and self._next.account_id == account_id:
            yield self._take()

    def rest(self) -> list[Any]:
        while self._next is not None:
            self._orphans.append(self._take())
        return self._orphans

    def _take(self) -> Any:
        row, self._next = self._next, next(self._rows, None)
        return row


_TERMS = ("kind", "granted", "priority", "expires_at", "purchase_ref", "price_minor", "currency")


def _lifetime_change(entry: Any) -> int:
    grants = ("purchase", "grant", "bonus", "promo", "adjustment")
    return max(entry.amount, 0) if entry.kind in grants else 0


def _stored(lot: Any, name: str) -> object:
    value = getattr(lot, name)
    return canonical.micros(value) if name == "expires_at" and value is not None else value


def _recorded(lot: Any, name: str) -> object:
    terms = json.loads(lot.terms or "{}")
    return terms.get("amount" if name == "granted" else name)


def _of_transaction(row: Any, what: str) -> Problem:
    return Problem(account=row.account_uuid, where=f"transaction {row.transaction_uuid}", what=what)


@contextmanager
def _snapshot() -> Iterator[None]:
    """One view of everything, for as long as it takes. Inside a caller's transaction: that one's view."""
    is_nested = connection.in_atomic_block
    with transaction.atomic(), connection.cursor() as cursor:
        if not is_nested:
            cursor.execute("set transaction isolation level repeatable read, read only")
        cursor.execute("set local statement_timeout = 0; set local idle_in_transaction_session_timeout = 0")
        yield


def _stream(query: str, parameters: dict[str, Any]) -> Iterator[Any]:
    connection.ensure_connection()
    with connection.connection.cursor(
        name=f"credits_proof_{uuid.uuid4().hex}", row_factory=namedtuple_row
    ) as cursor:
        cursor.itersize = 2000
        cursor.execute(query, parameters)
        yield from cursor
