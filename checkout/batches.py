"""Moving many sessions at once, a batch a transaction. Which ones, sessions.py decides.

Raw SQL with one array of ids: the ORM's thousand parameters, and its delete(), take several times as long.
"""

import time
from collections.abc import Callable
from typing import Any

from django.db import connection, transaction
from django.db.models import SET_NULL, ManyToOneRel, QuerySet
from psycopg import sql

from checkout import locks
from checkout.journal import log_expiry
from checkout.models import CheckoutSession

EXPIRE = "update checkout_checkoutsession set status = %s, end_reason = %s where id = any(%s)"
LET_GO = "update {table} set {column} = null where {column} = any(%s)"
DELETE = "delete from checkout_checkoutsession where id = any(%s)"


# How long a transaction should take: others wait that long for a row in it, a slow machine's users too.
LONGEST_SECONDS = 0.1
SMALLEST = 250  # below that the statements cost more than the rows


def until_none_is_left(
    step: Callable[..., locks.Batch | None], wanted: QuerySet[CheckoutSession], *, order_by: str, limit: int
) -> int:
    """Take batch after batch through expire() or delete() and return how many sessions that were.

    A batch is `limit` at most, and smaller where that many take too long here and now.
    """
    done, size = 0, limit
    while True:
        started = time.monotonic()
        batch = step(wanted, limit=size)
        if batch is None:
            return done
        done += len(batch.ids)
        # What lies before is done or held: looking there again would grow with every batch.
        wanted = wanted.filter(**{f"{order_by}__gte": batch.reached})
        size = _next_size(size, time.monotonic() - started, limit=limit)


def expire(due: QuerySet[CheckoutSession], *, limit: int) -> locks.Batch | None:
    """Expire up to `limit` of what is due and return them; None where none is left that nobody holds."""
    with transaction.atomic():
        batch = locks.lock_batch(due, order_by="expires_at", limit=limit)
        if batch is not None:
            _run(EXPIRE, CheckoutSession.Status.EXPIRED, CheckoutSession.EndReason.TIME_PASSED, batch.ids)
            log_expiry(batch.owners)
    return batch


def delete(old: QuerySet[CheckoutSession], *, limit: int) -> locks.Batch | None:
    """Delete up to `limit` of the old ones and return them; None where none is left that nobody holds."""
    with transaction.atomic():
        batch = locks.lock_batch(old, order_by="created_at", limit=limit)
        if batch is not None:
            for statement in _let_go():
                _run(statement, batch.ids)
            _run(DELETE, batch.ids)
    return batch


def _next_size(size: int, seconds: float, *, limit: int) -> int:
    if seconds > LONGEST_SECONDS:
        return min(limit, max(SMALLEST, size // 2))
    return min(limit, size * 2) if seconds < LONGEST_SECONDS / 2 else size


def _let_go() -> list[sql.Composed]:
    """For each foreign key with on_delete=SET_NULL (a purchase outlives its session), what sets it to null."""
    relations = CheckoutSession._meta.get_fields(include_hidden=True)
    return [
        sql.SQL(LET_GO).format(
            table=sql.Identifier(relation.related_model._meta.db_table),
            column=sql.Identifier(relation.field.column),
        )
        for relation in relations
        if isinstance(relation, ManyToOneRel) and relation.on_delete is SET_NULL
    ]


def _run(statement: str | sql.Composed, *params: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
