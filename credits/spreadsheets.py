"""Lines of a CSV file that a spreadsheet may open: no text is taken for a formula."""

import csv
from collections.abc import Iterable, Iterator

# A spreadsheet takes a cell that begins so for a formula; in East Asian versions the full-width signs count as well.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


class _Echo:
    """A file that hands back what is written to it."""

    def write(self, line: str) -> str:
        return line


def csv_lines(rows: Iterable[Iterable[object]]) -> Iterator[str]:
    """Yield one line a row, as the rows come. Text that begins like a formula gets an apostrophe; None is empty."""
    writer = csv.writer(_Echo())
    for row in rows:
        yield writer.writerow([_safe(cell) for cell in row])


def _safe(cell: object) -> object:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell
