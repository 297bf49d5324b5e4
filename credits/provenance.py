"""What each entry came from, and what all of them add up to: for a page that explains a balance. Reads only."""

import uuid
from dataclasses import dataclass, field
from datetime import datetime

from django.db import connection

from credits import balances
from credits.balances import SOON, Line
from credits.book import available_of
from credits.models import Entry
from credits.people import Person


@dataclass(frozen=True, kw_only=True)
class Behind:
    """One entry with what stands behind it: the operation, who asked for it under which key, and the lot."""

    line: Line
    transaction: uuid.UUID
    transaction_id: int
    scope: str
    key: str
    actor: str
    counter_account: uuid.UUID | None  # of a transfer: where it went or came from
    lot_id: int | None
    lot_kind: str
    expires_at: datetime | None
    price_minor: int | None  # of the whole lot
    currency: str


@dataclass(frozen=True, kw_only=True)
class Total:
    """All entries of one kind: their sum, in how many operations, and when the last one was."""

    amount: int
    operations: int
    last_at: datetime


@dataclass(frozen=True, kw_only=True)
class Totals:
    """What the entries of one account add up to: `free + held + expired` is the sum of all kinds."""

    of_kind: dict[str, Total] = field(default_factory=dict)
    free: int = 0  # in unexpired lots, not held
    available: int = 0  # what a page shows as the balance: nothing of it while debt blocks spending
    held: int = 0
    expired: int = 0  # and not booked yet
    debt: int = 0
    next_expiry: datetime | None = None
    expiring: int = 0  # how much of what is free goes then


def behind(user: Person, *, before: int | None = None, limit: int = 25) -> list[Behind]:
    """Return the newest entries, newest first; with `before`, those below that number. One query."""
    entries = balances.entries_of(user, before=before).select_related("counter_account")
    return [_behind(entry) for entry in entries[:limit]]


def _behind(entry: Entry) -> Behind:
    journal, lot, counter = entry.transaction, entry.lot, entry.counter_account
    return Behind(
        line=balances.line_of(entry),
        transaction=journal.uuid,
        transaction_id=journal.pk,
        scope=journal.scope,
        key=journal.key,
        actor=journal.actor,
        counter_account=counter.uuid if counter else None,
        lot_id=lot.pk if lot else None,
        lot_kind=lot.kind if lot else "",
        expires_at=lot.expires_at if lot else None,
        price_minor=lot.price_minor if lot else None,
        currency=lot.currency if lot else "",
    )


_KINDS = """
select entry.kind, sum(entry.amount)::bigint, count(distinct entry.transaction_id), max(entry.created_at)
from credits_entry as entry
join credits_account as account on account.id = entry.account_id
where account.user_id = %s
group by entry.kind
"""
_STANDING = f"""
select account.posted - account.held - soon.gone, account.held, soon.gone, account.debt, soon.next, (
  select coalesce(sum(remaining - held), 0)::bigint from credits_lot as lot
  where lot.account_id = account.id and lot.is_open and lot.expires_at = soon.next
)
from credits_account as account
{SOON}where account.user_id = %s
"""  # noqa: S608  words of our own


def totals_of(user: Person) -> Totals:
    """Add up everything that `user` ever got and gave. Two queries, one of which reads every entry."""
    with connection.cursor() as cursor:
        cursor.execute(_STANDING, [user.pk])
        row = cursor.fetchone()
        if row is None:
            return Totals()
        free, held, expired, debt, next_expiry, expiring = row
        cursor.execute(_KINDS, [user.pk])
        kinds = {
            kind: Total(amount=amount, operations=operations, last_at=last_at)
            for kind, amount, operations, last_at in cursor.fetchall()
        }
    return Totals(
        of_kind=kinds,
        free=free,
        available=available_of(free=free, debt=debt),
        held=held,
        expired=expired,
        debt=debt,
        next_expiry=next_expiry,
        expiring=expiring,
    )
