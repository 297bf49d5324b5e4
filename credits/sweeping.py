"""What time does to credits, booked: expired lots. Balances never wait for it."""

from dataclasses import dataclass

import structlog
from django.db import DatabaseError, connection

log = structlog.get_logger(__name__)

_BATCH = 500


@dataclass(frozen=True, kw_only=True)
class Swept:
    """What one pass booked."""

    lots_expired: int
    holds_released: int


def sweep_credits() -> Swept:
    """Book all that is due, each account in a transaction of its own. Repeatable; two at once are harmless."""
    swept = Swept(lots_expired=_expire_lots(), holds_released=0)
    log.info("credits_swept", lots_expired=swept.lots_expired, holds_released=swept.holds_released)
    return swept


_DUE = """
select distinct account_id from credits_lot
where is_open and expires_at <= clock_timestamp() and remaining > held and account_id > %s
order by account_id limit %s
"""


def _expire_lots() -> int:
    booked, account = 0, 0
    while due := _rows(_DUE, [account, _BATCH]):
        for (account,) in due:
            booked += _expire(account)
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
    return booked


def _rows(query: str, parameters: list[int]) -> list[tuple[int, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        return list(cursor.fetchall())
