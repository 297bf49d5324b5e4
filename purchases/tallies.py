"""How webhook calls ended: one row for each day, way and reason, with nothing of what they carried."""

from collections.abc import Sequence
from typing import Any

import structlog
from django.db import DatabaseError, connection
from django.db.models import Sum

from purchases.models import WebhookTally

log = structlog.get_logger(__name__)


def tally(
    outcome: WebhookTally.Outcome, *, reason: str = "", beside: str = "", values: Sequence[Any] = ()
) -> bool:
    """Count one webhook call. A count that cannot be kept never changes the answer to Stripe.

    `beside`: an SQL statement with its `values`, done in the same round trip. Returns False where nothing was done.
    """
    statement = f"with beside as ({beside}) {_TALLY}" if beside else _TALLY
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement, [*values, outcome.value, reason[:100]])
    except DatabaseError as error:
        log.warning("webhook_not_tallied", error=type(error).__name__)
        return False
    return True


def tallied() -> dict[tuple[str, str], int]:
    """How many calls ended in which way, and why, of the days that are kept."""
    ways = WebhookTally.objects.values_list("outcome", "reason").annotate(calls=Sum("count"))
    return {(outcome, reason): calls for outcome, reason, calls in ways}


_TALLY = """
insert into purchases_webhooktally (day, outcome, reason, count, last_at)
values ((clock_timestamp() at time zone 'UTC')::date, %s, %s, 1, clock_timestamp())
on conflict (day, outcome, reason)
do update set count = purchases_webhooktally.count + 1, last_at = excluded.last_at
"""
