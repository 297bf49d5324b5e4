"""Moving many sessions at once, a batch a transaction. Which ones, sessions.py decides.

Raw SQL: the ORM's thousand parameters, and its delete(), take several times as long.
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

# Found by their places, without a look into an index. An array whose length the planner does not know: for a thousand
# it would rather read the whole table, up to a hundred thousand rows.
EXPIRE = """
update checkout_checkoutsession set status = %s, end_reason = %s where ctid = any(array(select unnest(%s::tid[])))
"""
LET_GO = "update {table} set {column} = null where {column} = any(array(select unnest(%s::uuid[])))"
DELETE = "delete from checkout_checkoutsession where ctid = any(array(select unnest(%s::tid[])))"

# How long a transaction should take: others wait that long for a row in it. Half of what anybody should wait, since a
# batch learns only from the one before.
USUAL_SECONDS = 0.05
SMALLEST = 250  # below that the statements cost more than the rows


def until_none_is_left(
    step: Callable[..., locks.Batch | None], wanted: QuerySet[CheckoutSession], *, order_by: str, limit: int
) -> int:
    """Take batch after batch through expire() or delete() and return how many sessions that were.

    A batch is `limit` at most, and smaller where that many take too long here and now.
    """
    done, size, ahead = 0, limit, wanted
    while True:
        started = time.monotonic()
        batch = step(ahead, limit=size)
        if batch is None:
            return done
        done += batch.size
        # What lies before is done or held: looking there again would grow with every batch. So would the statement,
        # if each batch narrowed what the last one had narrowed.
        ahead = wanted.filter(**{f"{order_by}__gte": batch.reached})
        size = _next_size(size, time.monotonic() - started, limit=limit)


def expire(due: QuerySet[CheckoutSession], *, limit: int) -> locks.Batch | None:
    """Expire up to `limit` of what is due and return them; None where none is left that nobody holds."""
    with transaction.atomic():
        batch = locks.lock_batch(due, order_by="expires_at", limit=limit)
        if batch is not None:
            status, reason = CheckoutSession.Status.EXPIRED, CheckoutSession.EndReason.TIME_PASSED
            expired = _run(EXPIRE, status, reason, batch.places)
            assert expired == batch.size, "a locked row stays where it is"
            log_expiry(batch)
    return batch


def delete(old: QuerySet[CheckoutSession], *, limit: int) -> locks.Batch | None:
    """Delete up to `limit` of the old ones and return them; None where none is left that nobody holds."""
    with transaction.atomic():
        batch = locks.lock_batch(old, order_by="created_at", limit=limit)
        if batch is not None:
            # A statement of its own, after the lock: it sees whatever came to name these sessions until then.
            for statement in _let_go():
                _run(statement, batch.ids)
            deleted = _run(DELETE, batch.places)
            assert deleted == batch.size, "a locked row stays where it is"
    return batch


def _next_size(size: int, seconds: float, *, limit: int) -> int:
    """As many as would have taken the usual time; at most twice as many as before, since one may be lucky."""
    fitting = int(size * USUAL_SECONDS / seconds)
    return min(limit, 2 * size, max(SMALLEST, fitting))


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


def _run(statement: str | sql.Composed, *params: Any) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return int(cursor.rowcount)
