"""Money in templates: `{{ session.price_minor|money:session.currency }}` and `{{ tier|price_per_credit }}`."""

from typing import Protocol

from django import template

from checkout import currencies

register = template.Library()


class Priced(Protocol):
    """A tier, a checkout session or a purchase."""

    price_minor: int
    currency: str

    @property
    def total_credits(self) -> int: ...


@register.filter
def money(minor: int | None, currency: str) -> str:
    """Write minor units in the reader's language; nothing where the amount is not known."""
    return "" if minor is None else currencies.written(minor, currency)


@register.filter
def price_per_credit(priced: Priced) -> str:
    """Write what one credit costs, bonus credits counted."""
    return currencies.written_each(priced.price_minor, priced.currency, count=priced.total_credits)
