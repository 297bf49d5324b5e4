"""For letters, whose context is JSON."""

from django import template
from django.utils.dateparse import parse_date
from django.utils.formats import date_format

register = template.Library()


@register.filter
def written_date(text: str) -> str:
    """Write a date such as 2026-05-01 as the reader's language does; nothing where there is none."""
    day = parse_date(str(text)[:10])
    return date_format(day) if day else ""
