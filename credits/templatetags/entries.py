"""`{{ line.kind|kind_word }}`: the kind of an entry as people call it. A filter, because a statement has many lines."""

from django import template
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

register = template.Library()

WORDS: dict[str, str | Promise] = {
    "purchase": _("Bought"),
    "spend": _("Spent"),
    "bonus": _("Bonus"),
    "grant": _("Given"),
    "promo": _("Given"),
    "capture": _("Reserved and spent"),
    "reverse": _("Given back"),
    "reversal": _("Given back"),
    "claw_back": _("Taken back after a refund or dispute"),
    "reinstatement": _("Given back: the refund failed or the dispute was won"),
    "repayment": _("Debt paid"),
    "adjust": _("Corrected"),
    "adjustment": _("Corrected"),
    "transfer": _("Moved between accounts"),
    "expire": _("Expired"),
    "expiry": _("Expired"),
}


@register.filter
def kind_word(kind: str) -> str:
    """The word in the reader's language; an unknown kind as it is."""
    return str(WORDS.get(kind, kind))
