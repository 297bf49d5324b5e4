"""A statement: what one had at its beginning, the entries, what one had at its end. As numbers and as a file."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain

from django.utils.translation import gettext as _

from credits import balances
from credits.balances import Line, PastBalance
from credits.people import Person
from credits.spreadsheets import csv_lines

_CHUNK = 500
_FOR_EVER = datetime(9000, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)  # PostgreSQL's smallest


@dataclass(frozen=True, kw_only=True)
class Statement:
    """From `start` on and before `end`. `opening.posted` and all amounts in it make `closing.posted`; debt likewise."""

    user: Person
    start: datetime | None
    end: datetime | None
    opening: PastBalance
    closing: PastBalance

    @property
    def change(self) -> int:
        """What came in less what went out."""
        return self.closing.posted - self.opening.posted

    def lines(self, *, before: int | None = None, limit: int) -> list[Line]:
        """Return its newest entries, newest first; with `before`, those below that number. One query."""
        return balances.history_of(self.user, before=self._below(before), after=self.opening.seq, limit=limit)

    def stream(self) -> Iterator[Line]:
        """Yield all its entries, newest first, from a cursor that stays in the database: memory does not grow."""
        entries = balances.entries_of(self.user, before=self._below(None), after=self.opening.seq)
        return map(balances.line_of, entries.iterator(chunk_size=_CHUNK))

    def _below(self, before: int | None) -> int:
        end = self.closing.seq + 1
        return end if before is None else min(before, end)


def statement_of(user: Person, *, start: datetime | None = None, end: datetime | None = None) -> Statement:
    """Return the statement of `user` for that time; None is open. Two queries, one where it is open at the start."""
    return Statement(
        user=user,
        start=start,
        end=end,
        opening=PastBalance() if start is None else balances.balance_at(user, start - _MICROSECOND),
        closing=balances.balance_at(user, _FOR_EVER if end is None else end - _MICROSECOND),
    )


def csv_rows(statement: Statement) -> Iterator[str]:
    """Yield the statement, newest entry first, as lines of a CSV file that a spreadsheet may open."""
    heading = [
        _("Date"),
        _("Number"),
        _("What"),
        _("Description"),
        _("Credits"),
        _("Balance"),
        _("Lot"),
        _("Change of debt"),
    ]
    return csv_lines(chain([heading], map(_cells, statement.stream())))


def _cells(line: Line) -> list[object]:
    return [
        line.created_at.isoformat(),
        line.seq,
        line.kind,
        line.description,
        line.amount,
        line.balance_after,
        line.lot,
        line.debt_change,
    ]
