"""Money in the admin, written with its currency: a bare 1,800 reads as another amount."""

from collections.abc import Callable, Iterable
from typing import Any

from django.contrib import admin
from django.utils.functional import Promise

from checkout import currencies

Column = Callable[[Any], str]


def amount(field: str, words: str | Promise) -> Column:
    """A column or field for `field`, in the smallest unit of the row's currency or of its purchase's."""

    @admin.display(description=words, ordering=field)  # type: ignore[arg-type]  # any lazy text will do
    def written(row: Any) -> str:
        minor = getattr(row, field)
        currency = row.currency if hasattr(row, "currency") else row.purchase.currency
        return "\u2013" if minor is None else currencies.written(minor, currency)

    return written


def in_place(fields: Iterable[Any], amounts: dict[str, Column]) -> list[Any]:
    """The fields of a form, each that has an amount replaced by it."""
    return [amounts.get(field, field) if isinstance(field, str) else field for field in fields]
