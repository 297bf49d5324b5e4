"""The log of moves: session, owner, from, to, reason. Written once a move is true, after the commit."""

import structlog
from django.db import transaction

from checkout.locks import Batch
from checkout.models import CheckoutSession

log = structlog.get_logger(__name__)

# Beyond that, writing the lines would take as long as expiring the rows they speak of.
MOST_LINES = 100


def log_move(session: CheckoutSession, *, before: str, reason: str) -> None:
    """One line for one move."""
    line = _line(str(session.pk), session.owner_id, before=before, after=session.status, reason=reason)
    transaction.on_commit(lambda: log.info("checkout_session_moved", **line))


def log_expiry(batch: Batch) -> None:
    """One line a session; of a flood (the beat was away for days) one for the batch, which names them all."""
    move = {
        "before": CheckoutSession.Status.ACTIVE,
        "after": CheckoutSession.Status.EXPIRED,
        "reason": CheckoutSession.EndReason.TIME_PASSED,
    }
    ids, owners = _values(batch.ids), [int(owner) for owner in _values(batch.owners)]
    if batch.size > MOST_LINES:
        flood = _line(ids, owners, **move)
        transaction.on_commit(lambda: log.info("checkout_sessions_moved", **flood))
        return
    for session_id, owner_id in zip(ids, owners, strict=True):
        line = _line(session_id, owner_id, **move)
        transaction.on_commit(lambda line=line: log.info("checkout_session_moved", **line))  # type: ignore[misc]


def _values(array: str) -> list[str]:
    return array.strip("{}").split(",")


def _line(session: object, owner: object, *, before: str, after: str, reason: str) -> dict[str, object]:
    return {"session": session, "owner": owner, "from": str(before), "to": str(after), "reason": str(reason)}
