"""The time that a statement is of, as somebody writes it in an address: `from` and `to`, days or instants."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta

from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

_YEARS = range(1970, 9000)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, kw_only=True)
class Period:
    """From `start` on and before `end`; None is open. `given` is what was written, `errors` what was wrong with it."""

    start: datetime | None = None
    end: datetime | None = None
    given: dict[str, str] = field(default_factory=dict)
    errors: dict[str, Promise] = field(default_factory=dict)

    @property
    def is_limited(self) -> bool:
        """Whether it leaves anything out."""
        return self.start is not None or self.end is not None

    @property
    def first_day(self) -> str:
        """As a date field of a form takes it."""
        return self.start.date().isoformat() if self.start else ""

    @property
    def last_day(self) -> str:
        """As a date field of a form takes it."""
        return (self.end - _MICROSECOND).date().isoformat() if self.end else ""


def period_from(words: Mapping[str, str]) -> Period:
    """Read `from` and `to`: a day (2026-05-31), which both take in whole, or an instant (2026-05-31T12:00Z)."""
    given = {name: words.get(name, "").strip() for name in ("from", "to")}
    errors: dict[str, Promise] = {}
    instants: dict[str, datetime | None] = {}
    for name, text in given.items():
        try:
            instants[name] = _instant(text, is_end=name == "to") if text else None
        except ValueError:
            errors[name] = _("This is not a date. Write it as year-month-day, like 2026-05-31.")
    start, end = instants.get("from"), instants.get("to")
    if start is not None and end is not None and start >= end:
        errors["to"] = _("This is before the first day.")
    return (
        Period(start=start, end=end, given=given, errors=errors)
        if not errors
        else Period(given=given, errors=errors)
    )


def _instant(text: str, *, is_end: bool) -> datetime:
    """Return the instant; of a day, its beginning or (`is_end`) the next one's. Raises ValueError."""
    if not (text.isascii() and text.isprintable()):  # Django's parser would take the digits of any script
        raise ValueError(text)
    day = parse_date(text)
    instant = parse_datetime(text) if day is None else datetime.combine(day, time())
    if instant is None or instant.year not in _YEARS:
        raise ValueError(text)
    if day is not None and is_end:
        instant += timedelta(days=1)
    return instant if timezone.is_aware(instant) else timezone.make_aware(instant)
