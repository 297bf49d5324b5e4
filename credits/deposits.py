"""Credits come in, and are taken back with the money.

Only purchases.fulfilment and purchases.refunds may import this from outside.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from credits import book
from credits.book import Posting
from credits.people import Person

__all__ = ["NewLot", "Posting", "claw_back", "grant"]


@dataclass(frozen=True, kw_only=True)
class NewLot:
    """The terms of credits that come together.

    An expiry is either a length, counted from the grant, or an instant. The lowest priority is spent first (100
    where none is given). `price_minor` is what the whole lot cost, in the smallest unit of `currency`.
    """

    kind: Literal["paid", "bonus", "promo", "adjustment"]
    amount: int
    expires_after: timedelta | None = None
    expires_at: datetime | None = None
    priority: int | None = None
    price_minor: int | None = None
    currency: str = ""


def grant(
    *,
    user: Person,
    lots: Sequence[NewLot],
    kind: Literal["grant", "purchase"] = "grant",
    scope: str,
    key: str,
    source: str = "",
    purchase_ref: str = "",
    actor: str = "",
    reason: str = "",
    metadata: Mapping[str, Any] | None = None,
) -> Posting:
    """Give `user` these lots as one operation, and an account if there is none. Once for a scope and key.

    A purchase needs `source`, the Stripe Checkout Session; it is credited once whatever the key, and where the
    account was merged, to the one that holds its credits now. Paid credits repay debt first.
    Raises AmountOutOfRange, LotRefused, KeyReused, SourceUsed, AccountMerged.
    """
    assert (kind == "purchase") == bool(source), "a purchase, and nothing else, has a source"
    return book.post(
        "grant",
        scope=scope,
        key=key,
        p_user_id=user.pk,
        p_lots=[_terms(lot) for lot in lots],
        p_kind=kind,
        p_source=source,
        p_purchase_ref=purchase_ref,
        p_actor=actor,
        p_reason=reason,
        p_metadata=dict(metadata or {}),
    )


def claw_back(
    *,
    source: str,
    returned_minor: int,
    paid_minor: int,
    scope: str,
    key: str,
    actor: str = "",
    reason: str = "",
    metadata: Mapping[str, Any] | None = None,
) -> Posting | None:
    """Bring a purchase to the state where `returned_minor` of `paid_minor` is with the buyer again; None if it is.

    `returned_minor` is what all refunds and disputes hold now, not what changed: repeats and any order are harmless.
    Each lot loses its share, rounded in the buyer's favour: first what is left of it, then of the purchase, then other
    paid credits, then debt; when less is returned than before, that is undone. `key` says which event it was;
    the state decides.
    Raises UnknownPurchase.
    """
    return book.try_to_post(
        "claw_back",
        scope=scope,
        key=key,
        p_source=source,
        p_returned=returned_minor,
        p_paid=paid_minor,
        p_reason=reason,
        p_metadata=dict(metadata or {}),
        p_actor=actor,
    )


def _terms(lot: NewLot) -> dict[str, Any]:
    assert lot.expires_after is None or lot.expires_at is None, "a lot has one expiry"
    return {
        "kind": lot.kind,
        "amount": book.check_amount(lot.amount),
        "expires_after": None if lot.expires_after is None else lot.expires_after.total_seconds(),
        "expires_at": lot.expires_at and lot.expires_at.isoformat(),
        "priority": lot.priority,
        "price_minor": lot.price_minor,
        "currency": lot.currency,
    }
