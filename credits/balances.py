"""What somebody has, and how it came about. Reads only."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from credits.book import Posting, available_of, posting_from
from credits.models import Entry, LedgerTransaction
from credits.people import Person


@dataclass(frozen=True, kw_only=True)
class Balance:
    """The numbers of one account at one instant. `version` rises with every change."""

    account: uuid.UUID | None = None
    current: int = 0  # available and held
    available: int = 0
    held: int = 0
    debt: int = 0
    lifetime: int = 0
    spent: int = 0
    version: int = 0
    next_expiry: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Line:
    """One entry as its owner may see it."""

    id: uuid.UUID
    seq: int
    kind: str
    amount: int
    balance_after: int
    description: str
    lot: uuid.UUID | None
    purchase: str  # the reference of the purchase behind the lot, opaque to the ledger
    created_at: datetime


_BALANCE = """
select account.uuid, account.posted - account.held - soon.gone, account.held, account.debt, account.lifetime,
  account.spent, account.version, soon.next
from credits_account as account
cross join lateral (
  select
    coalesce(sum(remaining - held) filter (where expires_at <= statement_timestamp()), 0)::bigint as gone,
    min(expires_at) filter (where expires_at > statement_timestamp() and remaining > held) as next
  from credits_lot as lot
  where lot.account_id = account.id and lot.is_open and lot.expires_at is not null
) as soon
where account.user_id = %s
"""


def balance_of(user: Person) -> Balance:
    """Return what `user` has now, by the database's clock: zeros without an account. One query, none for a visitor."""
    if user.pk is None:
        return Balance()
    with connection.cursor() as cursor:
        cursor.execute(_BALANCE, [user.pk])
        row = cursor.fetchone()
    if row is None:
        return Balance()
    account, free, held, debt, lifetime, spent, version, next_expiry = row
    available = available_of(free=free, debt=debt)
    return Balance(
        account=account,
        current=available + held,
        available=available,
        held=held,
        debt=debt,
        lifetime=lifetime,
        spent=spent,
        version=version,
        next_expiry=next_expiry,
    )


def history_of(user: Person, *, before: int | None = None, limit: int = 25) -> list[Line]:
    """Return the newest entries, newest first; with `before`, those below that number. One query."""
    if user.pk is None:
        return []
    entries = Entry.objects.filter(account__user_id=user.pk).select_related("transaction", "lot")
    if before is not None:
        entries = entries.filter(account_seq__lt=before)
    return [_line(entry) for entry in entries.order_by("-account_seq")[:limit]]


def posting_for(source: str) -> Posting | None:
    """Return what the purchase paid by this Stripe Checkout Session did; None where it was not credited."""
    purchases = LedgerTransaction.objects.filter(kind=LedgerTransaction.Kind.PURCHASE, source=source)
    result = purchases.values_list("result", flat=True).first()
    return None if result is None else posting_from({**result, "replayed": True})


def _line(entry: Entry) -> Line:
    return Line(
        # The hash is the entry's own; its first half is as unique as any uuid.
        id=uuid.UUID(bytes=bytes(entry.row_hash[:16])),
        seq=entry.account_seq,
        kind=entry.kind,
        amount=entry.amount,
        balance_after=entry.balance_after,
        description=entry.transaction.reason,
        lot=entry.lot.uuid if entry.lot else None,
        purchase=entry.lot.purchase_ref if entry.lot else "",
        created_at=entry.created_at,
    )
