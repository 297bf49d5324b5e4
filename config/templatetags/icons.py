"""`{% icon "check" %}`: a symbol of static/img/icons.svg, drawn into the page, so that it costs no request."""

import re
from functools import cache

from django import template
from django.conf import settings
from django.utils.safestring import SafeString, mark_safe

register = template.Library()

SYMBOL = re.compile(r'<symbol id="(?P<name>\w+)" (?P<attributes>[^>]*)>(?P<drawing>.*?)</symbol>', re.DOTALL)


@register.simple_tag
def icon(name: str) -> SafeString:
    """Draw the symbol; screen readers pass it by. Raises KeyError for one that does not exist."""
    return _drawn()[name]


@cache
def _drawn() -> dict[str, SafeString]:
    symbols = (settings.BASE_DIR / "static" / "img" / "icons.svg").read_text()
    return {
        found["name"]: mark_safe(  # noqa: S308  our own file
            f'<svg class="icon" aria-hidden="true" {found["attributes"]}>{found["drawing"]}</svg>'
        )
        for found in SYMBOL.finditer(symbols)
    }
