"""Credits that nobody paid for: promotional, bonus, adjustment. Paid ones come from a settled purchase alone."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from credits import book
from credits.book import Posting
from credits.people import Person

GiftKind = Literal["promo", "bonus", "adjustment"]
KINDS: tuple[GiftKind, ...] = ("promo", "bonus", "adjustment")


def give(
    *,
    user: Person,
    amount: int,
    kind: GiftKind,
    scope: str,
    key: str,
    description: str = "",
    expires_at: datetime | None = None,
    metadata: Mapping[str, Any] | None = None,
    actor: str = "",
) -> Posting:
    """Give `user` one lot of this kind. Once for a scope and key.

    Raises AmountOutOfRange, LotRefused (an expiry that has passed), KeyReused, AccountMerged.
    """
    assert kind in KINDS, "credits that were paid for come from a purchase"
    lot = {
        "kind": kind,
        "amount": book.check_amount(amount),
        "expires_at": expires_at and expires_at.isoformat(),
    }
    return book.post(
        "grant",
        scope=scope,
        key=key,
        p_user_id=user.pk,
        p_lots=[lot],
        p_kind="grant",
        p_source="",
        p_purchase_ref="",
        p_actor=actor,
        p_reason=description,
        p_metadata=dict(metadata or {}),
    )
