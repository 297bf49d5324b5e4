"""Lines of a CSV file that a spreadsheet may open: no text is taken for a formula."""

import csv
import re
from collections.abc import Iterable, Iterator

# A spreadsheet takes a cell that begins so for a formula; in East Asian versions the full-width signs count as well.
_SIGNS = "=+\\-@\uff1d\uff0b\uff0d\uff20"
# Where its language has the comma in numbers (German, say), a cell ends at a semicolon, and quotes do not keep a line.
_FORMULA = re.compile(f"^(?=[{_SIGNS}\t\r\n])|(?<=[;\t\r\n])(?=[{_SIGNS}])")


class _Echo:
    """A file that hands back what is written to it."""

    def write(self, line: str) -> str:
        return line


def csv_lines(rows: Iterable[Iterable[object]]) -> Iterator[str]:
    """Yield one line a row, as the rows come. What a text has like a formula gets an apostrophe; None is empty."""
    writer = csv.writer(_Echo())
    for row in rows:
        yield writer.writerow([_safe(cell) for cell in row])


def _safe(cell: object) -> object:
    return _FORMULA.sub("'", cell) if isinstance(cell, str) else cell
