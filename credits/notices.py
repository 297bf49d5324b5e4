"""What people are told before it is too late: credits that end soon, and a balance that runs low. Once each."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import connection

from credits.balances import Balance
from credits.book import spending_in_debt

log = structlog.get_logger(__name__)

DAYS_BEFORE = (14, 3)

# A lot that lives hardly longer than the notice is not announced so early; nobody is told twice on one day.
_EXPIRING = """
insert into outbox_message (topic, key, user_id, context)
select 'credits.expiring',
  'credits.expiring:' || account.uuid || ':' || (lot.expires_at at time zone 'UTC')::date || ':' || %(days)s,
  account.user_id,
  jsonb_build_object(
    'account', account.uuid,
    'expiring', sum(lot.remaining - lot.held),
    'expires_on', (lot.expires_at at time zone 'UTC')::date,
    'path', '/credits/'
  )
from credits_lot as lot
join credits_account as account on account.id = lot.account_id
where lot.is_open and lot.remaining > lot.held
  and lot.expires_at > statement_timestamp() + make_interval(days => %(not_before)s)
  and lot.expires_at <= statement_timestamp() + make_interval(days => %(days)s)
  and lot.expires_at > lot.created_at + make_interval(days => 2 * %(days)s)
group by account.uuid, account.user_id, (lot.expires_at at time zone 'UTC')::date
on conflict (key) do nothing
"""

# The verbs tell at once (sql/0065_tell.sql), under the same key; this finds what time took.
# `lifetime` rises with every credit that comes, so that each time it is used up again is told once.
_LOW = """
insert into outbox_message (topic, key, user_id, context)
select 'credits.low',
  'credits.low:' || uuid || ':' || lifetime,
  user_id,
  jsonb_build_object(
    'account', uuid, 'available', available, 'threshold', %(low)s, 'left', available, 'path', '/pricing/'
  )
from credits_account
cross join lateral (
  select case when debt = 0 or %(spending_in_debt)s then posted - held else 0 end as available
) as what_is
where available < %(low)s and spent > 0 and merged_into_id is null
  and entry_at > statement_timestamp() - interval '1 day'
on conflict (key) do nothing
"""


@dataclass(frozen=True, kw_only=True)
class Notes:
    """What a balance page adds to the number."""

    is_low: bool
    ends_soon: bool


def post_due() -> int:
    """Leave the messages that are due and return how many. Repeatable; two at once are harmless."""
    low = {"low": settings.LOW_BALANCE_CREDITS, "spending_in_debt": spending_in_debt()}
    posted = _post(_LOW, **low) if settings.LOW_BALANCE_CREDITS else 0
    for days, not_before in zip(DAYS_BEFORE, (*DAYS_BEFORE[1:], 0), strict=True):
        posted += _post(_EXPIRING, days=days, not_before=not_before)
    log.info("credit_notices_posted", messages=posted)
    return posted


def notes_on(balance: Balance, *, now: datetime) -> Notes:
    """Say what is worth a note: little is left of something, or a part of it ends within two weeks."""
    soon = now + timedelta(days=DAYS_BEFORE[0])
    return Notes(
        is_low=balance.lifetime > 0 and balance.available < settings.LOW_BALANCE_CREDITS,
        ends_soon=balance.next_expiry is not None and balance.next_expiry <= soon,
    )


def _post(statement: str, **values: int) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return int(cursor.rowcount)
