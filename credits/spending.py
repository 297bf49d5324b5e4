"""Credits go out, at once or after they were put aside, and come back when that was wrong."""

import uuid
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

from credits import book
from credits.book import Posting
from credits.errors import HoldRefused
from credits.people import Person

LONGEST_HOLD = timedelta(days=36_525)

__all__ = ["Posting", "capture", "hold", "hold_purchase", "release", "reverse", "spend"]


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


def hold(
    *,
    user: Person,
    amount: int,
    scope: str,
    key: str,
    expires_in: timedelta | None = timedelta(days=7),
    description: str = "",
    metadata: Mapping[str, Any] | None = None,
    actor: str = "",
) -> Posting:
    """Put exactly `amount` aside, from the lots that a spend would take, until captured, released or expired.

    Raises what spend raises, and HoldRefused where it should last no time at all or more than 100 years.
    """
    if expires_in is not None and not timedelta() < expires_in <= LONGEST_HOLD:
        raise HoldRefused(f"a hold lasts some time and at most {LONGEST_HOLD.days} days, or has no end")
    return book.post(
        "hold",
        scope=scope,
        key=key,
        p_user_id=user.pk,
        p_amount=book.check_amount(amount),
        p_expires_after=None if expires_in is None else Decimal(str(expires_in.total_seconds())),
        p_reason=description,
        p_metadata=dict(metadata or {}),
        p_actor=actor,
        p_is_debt_allowed=book.spending_in_debt(),
    )


def hold_purchase(
    *,
    source: str,
    scope: str,
    key: str,
    description: str = "",
    metadata: Mapping[str, Any] | None = None,
    actor: str = "",
) -> Posting | None:
    """Put aside what is left of one purchase's own credits, without an end; None where nothing is left.

    `source` is what the purchase was granted for. Raises UnknownPurchase, KeyReused.
    """
    return book.try_to_post(
        "hold_purchase",
        scope=scope,
        key=key,
        p_source=source,
        p_reason=description,
        p_metadata=dict(metadata or {}),
        p_actor=actor,
    )


def capture(
    *,
    hold: uuid.UUID,
    amount: int | None = None,
    scope: str,
    key: str,
    description: str = "",
    metadata: Mapping[str, Any] | None = None,
    actor: str = "",
) -> Posting:
    """Spend what is held, all of it or `amount`; the rest is free again. Also while there is debt.

    Raises UnknownHold, HoldEnded, MoreThanHeld, AmountOutOfRange, KeyReused.
    """
    return book.post(
        "capture",
        scope=scope,
        key=key,
        p_hold=hold,
        p_amount=None if amount is None else book.check_amount(amount),
        p_reason=description,
        p_metadata=dict(metadata or {}),
        p_actor=actor,
    )


def release(
    *,
    hold: uuid.UUID,
    scope: str,
    key: str,
    description: str = "",
    metadata: Mapping[str, Any] | None = None,
    actor: str = "",
) -> Posting:
    """Let go of what is held. Raises UnknownHold, HoldEnded, KeyReused."""
    return book.post(
        "release",
        scope=scope,
        key=key,
        p_hold=hold,
        p_reason=description,
        p_metadata=dict(metadata or {}),
        p_actor=actor,
        p_is_due=False,
    )


def reverse(
    *,
    spend: uuid.UUID,
    amount: int | None = None,
    scope: str,
    key: str,
    description: str = "",
    metadata: Mapping[str, Any] | None = None,
    actor: str = "",
) -> Posting:
    """Take a spend or capture back, all that is left of it or `amount`: its lots get back what was taken of them.

    Into an expired lot it is booked as expired at once; where there is debt, it repays that first.
    Raises UnknownSpend, AlreadyReversed, AmountOutOfRange, KeyReused.
    """
    return book.post(
        "reverse",
        scope=scope,
        key=key,
        p_spend=spend,
        p_amount=None if amount is None else book.check_amount(amount),
        p_reason=description,
        p_metadata=dict(metadata or {}),
        p_actor=actor,
    )
