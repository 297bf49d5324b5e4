"""Credits go out."""

from collections.abc import Mapping
from typing import Any

from credits import book
from credits.book import Posting
from credits.people import Person

__all__ = ["Posting", "spend"]


def spend(
    *,
    user: Person,
    amount: int,
    scope: str,
    key: str,
    description: str = "",
    metadata: Mapping[str, Any] | None = None,
    actor: str = "",
) -> Posting:
    """Take exactly `amount` from the lots that are to be spent first. Once for a scope and key.

    Raises InsufficientCredits (AccountInDebt while there is debt), AmountOutOfRange, KeyReused, AccountMerged.
    """
    return book.post(
        "spend",
        scope=scope,
        key=key,
        p_user_id=user.pk,
        p_amount=book.check_amount(amount),
        p_reason=description,
        p_metadata=dict(metadata or {}),
        p_actor=actor,
        p_is_debt_allowed=book.spending_in_debt(),
    )
