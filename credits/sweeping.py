"""What time does to credits, booked: expired holds end, expired lots are emptied.

No balance waits for a lot to be booked. What an expired hold had put aside is free again only when it has ended here.
"""

import json
import uuid
from dataclasses import dataclass
from typing import Any

import structlog
from django.db import DatabaseError, connection

from credits import book
from credits.errors import HoldEnded

log = structlog.get_logger(__name__)

_BATCH = 500


@dataclass(frozen=True, kw_only=True)
class Swept:
    """What one pass booked."""

    lots_expired: int
    holds_released: int


def sweep_credits() -> Swept:
    """Book all that is due, each account in a transaction of its own. Repeatable; two at once are harmless."""
    # Holds first: what they release from an expired lot is booked with them.
    swept = Swept(holds_released=_release_holds(), lots_expired=_expire_lots())
    log.info("credits_swept", lots_expired=swept.lots_expired, holds_released=swept.holds_released)
    return swept


_DUE_HOLDS = """
select id, uuid from credits_hold
where is_open and expires_at <= clock_timestamp() and id > %s
order by id limit %s
"""


def _release_holds() -> int:
    released, last = 0, 0
    while due := _rows(_DUE_HOLDS, [last, _BATCH]):
        released += sum(_release(hold) for _, hold in due)
        last = due[-1][0]
    return released


def _release(hold: uuid.UUID) -> int:
    """One hold; whoever ends it first wins, and a failure is logged and left to the next pass."""
    try:
        posting = book.post(
            "release",
            scope="credits",
            key=f"expire:{hold}",
            p_hold=hold,
            p_reason="",
            p_metadata={},
            p_actor="credits:sweep",
            p_is_due=True,
        )
    except HoldEnded:
        return 0
    except DatabaseError:
        if connection.in_atomic_block:
            raise
        log.exception("credits_release_failed", hold=str(hold))
        return 0
    return int(not posting.replayed)  # another sweep may have been first by an instant


_DUE_LOTS = """
select distinct account_id from credits_lot
where is_open and expires_at <= clock_timestamp() and remaining > held and account_id > %s
order by account_id limit %s
"""


def _expire_lots() -> int:
    booked, account = 0, 0
    while due := _rows(_DUE_LOTS, [account, _BATCH]):
        booked += sum(_expire(account) for (account,) in due)
        ((account,),) = due[-1:]
    return booked


def _expire(account: int) -> int:
    """One account's lots; a failure is logged and left to the next pass."""
    try:
        ((booked,),) = _rows("select credits_expire(%s)", [account])
    except DatabaseError:
        if connection.in_atomic_block:
            raise
        log.exception("credits_expire_failed", account=account)
        return 0
    if booked:
        _log_expiry(account)
    return int(booked)


# The key ends in a uuid that sorts by time.
_NEWEST_EXPIRY = """
select uuid, key, result from credits_transaction
where account_id = %s and scope = 'credits' and kind = 'expire'
order by key desc limit 1
"""


def _log_expiry(account: int) -> None:
    """The line that book.py writes for the other verbs; what expires counted for nothing before it was booked."""
    ((transaction, key, result),) = _rows(_NEWEST_EXPIRY, [account])
    posting = book.posting_from(json.loads(result))
    log.info(
        "credits_expire",
        account=str(posting.account),
        transaction=str(transaction),
        scope="credits",
        key=key,
        before=posting.balance_before,
        after=posting.balance,
        replayed=False,
    )


def _rows(query: str, parameters: list[int]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        return list(cursor.fetchall())
