"""What purchases brought into the ledger, by their source (the Stripe Checkout Session). Reads only."""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Q

from credits.models import Entry, LedgerTransaction

CHUNK = 1000

# Where the account was merged, its credits are with the last one of the chain.
_COLUMNS = """
select granted.source, granted.amount, granted.created_at, (
  with recursive way as (
    select id, merged_into_id, user_id from credits_account where id = granted.account_id
    union all
    select next.id, next.merged_into_id, next.user_id
    from credits_account as next join way on next.id = way.merged_into_id
  )
  select user_id from way where merged_into_id is null
)
from credits_transaction as granted
where granted.kind = 'purchase'
"""
_OF_SOURCES = _COLUMNS + " and granted.source = any(%s)"
# By source, because that is what is indexed; a chunk is short whatever the ledger's size.
_BETWEEN = (
    _COLUMNS + " and granted.source > %s and granted.created_at >= %s and granted.created_at < %s"
    " order by granted.source limit %s"
)


@dataclass(frozen=True, kw_only=True)
class Granted:
    """One purchase as the ledger has it. `user_id` is who holds its credits now, after any merge."""

    source: str
    amount: int
    created_at: datetime
    user_id: int


@dataclass(frozen=True, kw_only=True)
class PurchaseLine:
    """An entry that a purchase made, or that took back what it made."""

    created_at: datetime
    account: uuid.UUID
    number: int
    kind: str
    amount: int
    balance_after: int
    actor: str


def granted_for(sources: Sequence[str]) -> dict[str, Granted]:
    """Return what these sources brought; one that brought nothing is not among the keys."""
    return {found.source: found for found in _read(_OF_SOURCES, list(sources))}


def granted_between(from_at: datetime, to_at: datetime) -> Iterator[list[Granted]]:
    """Yield, in chunks, every purchase that was granted in the window."""
    after = ""
    while chunk := _read(_BETWEEN, after, from_at, to_at, CHUNK):
        yield chunk
        after = chunk[-1].source


def lines_of(source: str) -> list[PurchaseLine]:
    """Return what a purchase brought and what was taken back of it, oldest first; not what was spent since."""
    granted = LedgerTransaction.objects.filter(kind=LedgerTransaction.Kind.PURCHASE, source=source).first()
    if granted is None:
        return []
    lots = granted.entries.exclude(lot=None).values("lot")
    entries = Entry.objects.filter(Q(transaction=granted) | Q(transaction__about_lot__in=lots))
    return [
        PurchaseLine(
            created_at=entry.created_at,
            account=entry.account.uuid,
            number=entry.account_seq,
            kind=entry.kind,
            amount=entry.amount,
            balance_after=entry.balance_after,
            actor=entry.transaction.actor,
        )
        for entry in entries.select_related("account", "transaction").order_by("created_at", "pk")
    ]


def _read(query: str, *params: Any) -> list[Granted]:
    with connection.cursor() as cursor:
        cursor.execute(query, params)
        return [
            Granted(source=source, amount=amount, created_at=created_at, user_id=user_id)
            for source, amount, created_at, user_id in cursor.fetchall()
        ]
