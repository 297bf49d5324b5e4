"""The brand's style sheet in a page's head: `{% brand_style_sheet %}`. Needs no context, so error pages have it too."""

from django import template
from django.conf import settings
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()


@register.simple_tag
def brand_style_sheet() -> SafeString | str:
    """A link to it where BRAND_COLOR is set; its address changes with the colour."""
    if not settings.BRAND_COLOR:
        return ""
    return format_html(
        '<link rel="stylesheet" href="{}?{}">', reverse("brand_style_sheet"), settings.BRAND_COLOR[1:]
    )
