"""The balance in every page's header."""

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from credits.balances import balance_of


def credits_balance(request: HttpRequest) -> dict[str, Any]:
    """`credits_balance`: the signed-in person's Balance, read when a page first shows it; None for a visitor."""
    user = getattr(request, "user", None)
    if user is None:
        return {"credits_balance": None}
    return {"credits_balance": SimpleLazyObject(lambda: balance_of(user) if user.is_authenticated else None)}
