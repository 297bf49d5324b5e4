"""What somebody has, and how it came about. Reads only."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import QuerySet

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
class PastBalance:
    """The numbers of one account as they stood at one instant. `posted` is the statement's balance: it has held
    credits in it, and expired ones until they are booked. `seq` is the number of the newest entry by then."""

    seq: int = 0
    posted: int = 0
    current: int = 0  # available and held
    available: int = 0
    held: int = 0
    debt: int = 0


@dataclass(frozen=True, kw_only=True)
class Line:
    """One entry as its owner may see it."""

    id: uuid.UUID
    seq: int
    kind: str
    amount: int
    balance_after: int
    debt_change: int
    description: str
    lot: uuid.UUID | None
    purchase: str  # the reference of the purchase behind the lot, opaque to the ledger
    created_at: datetime


# Of an account: what has expired and is not booked yet, and when the next of it ends.
SOON = """
cross join lateral (
  select
    coalesce(sum(remaining - held) filter (where expires_at <= statement_timestamp()), 0)::bigint as gone,
    min(expires_at) filter (where expires_at > statement_timestamp() and remaining > held) as next
  from credits_lot as lot
  where lot.account_id = account.id and lot.is_open and lot.expires_at is not null
) as soon
"""
# What `balance_from` takes, column by column.
BALANCE = f"""
select account.uuid, account.posted - account.held - soon.gone, account.held, account.debt, account.lifetime,
  account.spent, account.version, soon.next
from credits_account as account
{SOON}where account.user_id = %s
"""  # noqa: S608  words of our own
# What a Line says, as `_line` takes it. Written out: for a page of 25 the ORM costs five times the query itself.
_LINES = """
select entry.row_hash, entry.account_seq, entry.kind, entry.amount, entry.balance_after, entry.debt_change,
  journal.reason, lot.uuid, coalesce(lot.purchase_ref, ''), entry.created_at
from credits_entry as entry
join credits_account as account on account.id = entry.account_id
join credits_transaction as journal on journal.id = entry.transaction_id
left join credits_lot as lot on lot.id = entry.lot_id
where account.user_id = %s and entry.account_seq < %s and entry.account_seq > %s
order by entry.account_seq {order}
limit %s
"""
_NEWEST_FIRST, _OLDEST_FIRST = _LINES.format(order="desc"), _LINES.format(order="asc")
_ABOVE_ALL = 2**63 - 1  # no entry has this number


def balance_of(user: Person) -> Balance:
    """Return what `user` has now, by the database's clock: zeros without an account. One query, none for a visitor."""
    if user.pk is None:
        return Balance()
    with connection.cursor() as cursor:
        cursor.execute(BALANCE, [user.pk])
        row = cursor.fetchone()
    return Balance() if row is None else balance_from(row)


def balance_from(row: Sequence[Any]) -> Balance:
    """Read what BALANCE selects."""
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


# The newest entry by that instant is found by halving, as entry times never run backwards: twenty looks in a million.
# A lot that had expired by then had still unbooked what the sweep booked of it later, and what it has not booked yet;
# what came back to it meanwhile was booked in the same transaction, which is of another kind.
_BALANCE_AT = """
with recursive account as (
  select id, seq, least(%s, greatest(clock_timestamp(), entry_at)) as instant from credits_account where user_id = %s
),
search (low, high) as (
  select 0::bigint, seq from account
  union all
  select
    case when entry.created_at <= account.instant then entry.account_seq else search.low end,
    case when entry.created_at <= account.instant then search.high else entry.account_seq - 1 end
  from search
  cross join account
  join credits_entry as entry
    on entry.account_id = account.id and entry.account_seq = (search.low + search.high + 1) / 2
  where search.low < search.high
)
select search.low, coalesce(newest.balance_after, 0), coalesce(newest.debt_after, 0), (
    select coalesce(sum(hold.amount), 0)::bigint
    from credits_hold as hold
    left join credits_hold_resolution as ended on ended.hold_id = hold.id
    where hold.account_id = account.id and hold.created_at <= account.instant
      and (ended.created_at is null or ended.created_at > account.instant)
  ), (
    select coalesce(sum(lot.remaining - lot.held), 0)::bigint
    from credits_lot as lot
    where lot.account_id = account.id and lot.is_open and lot.expires_at <= account.instant
  ) - (
    select coalesce(sum(entry.amount), 0)::bigint
    from credits_transaction as journal
    join credits_entry as entry on entry.transaction_id = journal.id
    join credits_lot as lot on lot.id = entry.lot_id
    where journal.account_id = account.id and journal.scope = 'credits' and journal.kind = 'expire'
      and journal.created_at > account.instant and lot.expires_at <= account.instant
  )
from account
join search on search.low = search.high
left join credits_entry as newest on newest.account_id = account.id and newest.account_seq = search.low
"""


def balance_at(user: Person, instant: datetime) -> PastBalance:
    """Return what `user` had at that instant, the database's clock deciding what had expired. One query.

    What was committed by an instant counts from the time it was written, under the account's lock: moments later the
    answer for an instant may still gain an entry, never after that. An instant to come is taken as now.
    """
    if user.pk is None:
        return PastBalance()
    with connection.cursor() as cursor:
        cursor.execute(_BALANCE_AT, [instant, user.pk])
        row = cursor.fetchone()
    if row is None:
        return PastBalance()
    seq, posted, debt, held, gone = row
    available = available_of(free=posted - held - gone, debt=debt)
    return PastBalance(
        seq=seq, posted=posted, current=available + held, available=available, held=held, debt=debt
    )


def history_of(user: Person, *, before: int | None = None, after: int = 0, limit: int = 25) -> list[Line]:
    """Return the newest entries, newest first; only those below number `before` and above `after`. One query."""
    below = _ABOVE_ALL if before is None else before
    return _lines(_NEWEST_FIRST, user, below=below, above=after, limit=limit)


def history_above(user: Person, *, after: int, limit: int = 25) -> list[Line]:
    """Return the entries that follow number `after`, the nearest of them, newest first. One query."""
    return _lines(_OLDEST_FIRST, user, below=_ABOVE_ALL, above=after, limit=limit)[::-1]


def entries_of(user: Person, *, before: int | None = None, after: int = 0) -> QuerySet[Entry]:
    """Return the entries behind history_of with all that belongs to them, to be read in pages or streamed."""
    entries = Entry.objects.filter(account__user_id=user.pk) if user.pk is not None else Entry.objects.none()
    if before is not None:
        entries = entries.filter(account_seq__lt=before)
    if after:
        entries = entries.filter(account_seq__gt=after)
    return entries.select_related("transaction", "lot").order_by("-account_seq")


def posting_for(source: str) -> Posting | None:
    """Return what the purchase paid by this Stripe Checkout Session did; None where it was not credited."""
    purchases = LedgerTransaction.objects.filter(kind=LedgerTransaction.Kind.PURCHASE, source=source)
    result = purchases.values_list("result", flat=True).first()
    return None if result is None else posting_from({**result, "replayed": True})


def line_of(entry: Entry) -> Line:
    """Return the entry as its owner may see it."""
    lot = entry.lot
    return _line(
        entry.row_hash,
        entry.account_seq,
        entry.kind,
        entry.amount,
        entry.balance_after,
        entry.debt_change,
        entry.transaction.reason,
        lot.uuid if lot else None,
        lot.purchase_ref if lot else "",
        entry.created_at,
    )


def _lines(statement: str, user: Person, *, below: int, above: int, limit: int) -> list[Line]:
    if user.pk is None:
        return []
    with connection.cursor() as cursor:
        cursor.execute(statement, [user.pk, below, above, limit])
        return [_line(*row) for row in cursor.fetchall()]


def _line(
    row_hash: bytes | memoryview,
    seq: int,
    kind: str,
    amount: int,
    balance_after: int,
    debt_change: int,
    description: str,
    lot: uuid.UUID | None,
    purchase: str,
    created_at: datetime,
) -> Line:
    return Line(
        # The hash is the entry's own; its first half is as unique as any uuid.
        id=uuid.UUID(bytes=bytes(row_hash[:16])),
        seq=seq,
        kind=kind,
        amount=amount,
        balance_after=balance_after,
        debt_change=debt_change,
        description=description,
        lot=lot,
        purchase=purchase,
        created_at=created_at,
    )
