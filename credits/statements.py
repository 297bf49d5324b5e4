"""A statement as a file: read in pages, so that a million entries cost no more memory than a few hundred."""

import csv
from collections.abc import Iterator

from django.utils.translation import gettext as _

from credits.balances import Line, history_of
from credits.people import Person

_PAGE = 500
# A spreadsheet takes a cell that begins so for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class _Echo:
    """A file that hands back what is written to it."""

    def write(self, row: str) -> str:
        return row


def csv_rows(user: Person) -> Iterator[str]:
    """Yield the statement of `user`, newest entry first, as lines of a CSV file that a spreadsheet may open."""
    writer = csv.writer(_Echo())
    titles = [_("Date"), _("Number"), _("What"), _("Description"), _("Credits"), _("Balance"), _("Lot")]
    yield writer.writerow(titles)
    for line in _lines(user):
        yield writer.writerow(
            [
                line.created_at.isoformat(),
                line.seq,
                line.kind,
                _safe(line.description),
                line.amount,
                line.balance_after,
                line.lot or "",
            ]
        )


def _lines(user: Person) -> Iterator[Line]:
    before: int | None = None
    while page := history_of(user, before=before, limit=_PAGE):
        yield from page
        before = page[-1].seq


def _safe(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text
