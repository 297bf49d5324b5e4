"""An operator corrects a balance."""

from collections.abc import Mapping
from typing import Any

from credits import book
from credits.book import Posting
from credits.people import Person


def adjust(
    *,
    user: Person,
    amount: int,
    scope: str,
    key: str,
    reason: str,
    actor: str,
    metadata: Mapping[str, Any] | None = None,
) -> Posting:
    """Give `amount` credits, or (negative) take them in burn order. A reason and an actor are needed.

    Raises InsufficientCredits, AmountOutOfRange, KeyReused, AccountMerged.
    """
    assert reason, "an adjustment has a reason"
    assert actor, "an adjustment has an actor"
    book.check_amount(-amount if type(amount) is int and amount < 0 else amount)
    return book.post(
        "adjust",
        scope=scope,
        key=key,
        p_user_id=user.pk,
        p_amount=amount,
        p_reason=reason,
        p_metadata=dict(metadata or {}),
        p_actor=actor,
    )
