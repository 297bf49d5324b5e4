"""A message as a letter: subject, text and HTML, in the reader's language.

`emails/TOPIC.subject.txt` and `emails/TOPIC.txt` make it a letter; without `emails/TOPIC.html` the HTML is the text.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.template import TemplateDoesNotExist
from django.template.loader import get_template, render_to_string, select_template
from django.utils import translation

SUBJECT, TEXT, HTML = "emails/{}.subject.txt", "emails/{}.txt", "emails/{}.html"


@dataclass(frozen=True, kw_only=True)
class Letter:
    """What one person receives."""

    subject: str  # one line
    text: str
    html: str


def has_letter(topic: str) -> bool:
    """Whether this topic is told by mail; others are for machines."""
    try:
        get_template(TEXT.format(topic))
    except TemplateDoesNotExist:
        return False
    return True


def written(topic: str, context: Mapping[str, Any], *, language: str = "") -> Letter:
    """Write the letter of a topic. An unknown language is the site's own."""
    known = language if language in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE
    words = {
        **context,
        "base_url": settings.PUBLIC_BASE_URL,
        "brand_name": settings.BRAND_NAME,
        "support_email": settings.SUPPORT_EMAIL,
        "palette": settings.BRAND_PALETTE,
        "language": known,
    }
    with translation.override(known):
        subject = " ".join(render_to_string(SUBJECT.format(topic), words).split())
        text = render_to_string(TEXT.format(topic), words).strip() + "\n"
        template = select_template([HTML.format(topic), "emails/_text.html"])
        return Letter(
            subject=subject, text=text, html=template.render({**words, "subject": subject, "text": text})
        )
