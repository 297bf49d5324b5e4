"""The balance in every page's header."""

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from credits.shown import shown_to


def credits_balance(request: HttpRequest) -> dict[str, Any]:
    """`credits_balance`: the signed-in person's Balance, as this request read it; None for a visitor."""
    user = getattr(request, "user", None)
    if user is None:
        return {"credits_balance": None}
    return {"credits_balance": SimpleLazyObject(lambda: shown_to(user) if user.is_authenticated else None)}
