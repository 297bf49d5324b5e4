"""The brand's colour as a style sheet of its own: the content security policy allows no inline style."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

SHEET = """:root:not([data-theme]) {{ --accent: {accent}; --on-accent: {on_accent}; }}
@media (prefers-color-scheme: dark) {{
  :root:not([data-theme]) {{ --accent: {dark_accent}; --on-accent: {on_dark_accent}; }}
}}
"""


@require_safe
@cache_control(public=True, max_age=3600)
def style_sheet(request: HttpRequest) -> HttpResponse:
    """Two custom properties that tokens.css sets too; pages link it where BRAND_COLOR is set."""
    return HttpResponse(SHEET.format(**vars(settings.BRAND_PALETTE)), content_type="text/css; charset=utf-8")
