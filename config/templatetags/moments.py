"""`{% moment purchase.created_at %}`: day and time of an instant, in the reader's language and the site's time zone."""

from datetime import date, datetime, time
from functools import lru_cache

from django import template
from django.utils import timezone
from django.utils.formats import date_format, time_format
from django.utils.html import escape
from django.utils.safestring import SafeString
from django.utils.translation import get_language

register = template.Library()


@register.simple_tag
def moment(instant: datetime) -> SafeString:
    """As a `<time>`, to the minute."""
    local, language = timezone.localtime(instant), get_language()
    day, clock = _day(local.date(), language), _clock(time(local.hour, local.minute), language)
    return SafeString(f'<time datetime="{local.isoformat()}">{day}, {clock}</time>')


# A statement shows dozens; Django looks up the format and each of its letters anew for every one.
@lru_cache(maxsize=4096)
def _day(day: date, _language: str | None) -> str:
    return escape(date_format(day, "DATE_FORMAT"))


@lru_cache(maxsize=4096)  # more than the minutes of a day in two languages
def _clock(clock: time, _language: str | None) -> str:
    return escape(time_format(clock, "TIME_FORMAT"))
