"""What is put aside, listed. Reads only; spending.py has the verbs."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Prefetch, Q
from django.db.models.functions import Now

from credits.accounts import with_merged
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
    """Return the open holds of `user`, newest first; with `scope`, its own. Three queries.

    Those on an account that was merged into theirs stay there and are listed too. A hold whose time has passed is none,
    though its credits stay put aside until the sweep has ended it.
    """
    if user.pk is None:
        return []
    lines = Prefetch("lines", HoldLine.objects.select_related("lot").order_by("id"))
    goes_on = Q(expires_at__isnull=True) | Q(expires_at__gt=Now())
    holds = Hold.objects.filter(goes_on, account__in=with_merged(user), is_open=True)
    if scope is not None:
        holds = holds.filter(transaction__scope=scope)
    holds = holds.select_related("transaction").prefetch_related(lines).order_by("-id")
    return [_open(hold) for hold in holds[:limit]]


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
