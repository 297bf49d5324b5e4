"""The brand without a context, so that error pages have it too: `{% brand_style_sheet %}` for a page's head, and
`{% brand_of_settings as brand %}`."""

from django import template
from django.conf import settings
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from config.context_processors import Brand, the_brand

register = template.Library()


@register.simple_tag
def brand_style_sheet() -> SafeString | str:
    """A link to it where BRAND_COLOR is set; its address changes with the colour."""
    if not settings.BRAND_COLOR:
        return ""
    return format_html(
        '<link rel="stylesheet" href="{}?{}">', reverse("brand_style_sheet"), settings.BRAND_COLOR[1:]
    )


@register.simple_tag
def brand_of_settings() -> Brand:
    """What the context processor would give."""
    return the_brand()
