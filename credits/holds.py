"""What is put aside, listed. Reads only; spending.py has the verbs."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Prefetch, Q
from django.db.models.functions import Now

from credits.models import Hold, HoldLine
from credits.people import Person


@dataclass(frozen=True, kw_only=True)
class OpenHold:
    """One hold that has not ended, with what it reserves of which lot. `scope` says who made it."""

    id: uuid.UUID
    amount: int
    lots: tuple[tuple[uuid.UUID, int], ...]
    scope: str
    description: str
    expires_at: datetime | None
    created_at: datetime


def holds_of(user: Person, *, scope: str | None = None, limit: int = 100) -> list[OpenHold]:
    """Return the open holds on the account of `user`, newest first; with `scope`, its own. Two queries.

    A hold whose time has passed is none, though its credits stay put aside until the sweep has ended it.
    """
    if user.pk is None:
        return []
    lines = Prefetch("lines", HoldLine.objects.select_related("lot").order_by("id"))
    goes_on = Q(expires_at__isnull=True) | Q(expires_at__gt=Now())
    holds = Hold.objects.filter(goes_on, account__user_id=user.pk, is_open=True).select_related("transaction")
    if scope is not None:
        holds = holds.filter(transaction__scope=scope)
    return [_open(hold) for hold in holds.prefetch_related(lines).order_by("-id")[:limit]]


def _open(hold: Hold) -> OpenHold:
    return OpenHold(
        id=hold.uuid,
        amount=hold.amount,
        lots=tuple((line.lot.uuid, line.amount) for line in hold.lines.all()),
        scope=hold.transaction.scope,
        description=hold.transaction.reason,
        expires_at=hold.expires_at,
        created_at=hold.created_at,
    )
