"""Every lock of this app. The order everywhere: user, checkout session, purchase, account."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth import get_user_model
from django.db import connection
from django.db.models import Q, QuerySet

from checkout.errors import OwnerEnded
from checkout.models import CheckoutSession


def lock_owner(owner_id: int) -> None:
    """Let one checkout verb at a time act for this person. Does not wait for inserts that name them.

    Raises OwnerEnded for a guest whose things went to a user, perhaps while this call waited.
    """
    people = get_user_model()._default_manager.select_for_update(no_key=True)
    person = people.filter(pk=owner_id).values("merged_into").first()
    if person is not None and person["merged_into"] is not None:
        raise OwnerEnded(owner_id)


def lock_session(session_id: uuid.UUID) -> CheckoutSession | None:
    """Lock a session and read it anew; None where it is gone."""
    return CheckoutSession.objects.select_for_update(no_key=True).filter(pk=session_id).first()


def lock_active_session(owner_id: int) -> CheckoutSession | None:
    """Lock the one active session of this person, past its time or not."""
    active = CheckoutSession.objects.filter(owner_id=owner_id, status=CheckoutSession.Status.ACTIVE)
    return active.select_for_update(no_key=True).first()


def lock_sessions_to_claim(*, guest_id: int, user_id: int) -> list[CheckoutSession]:
    """Lock all sessions of a guest and the active one of the user who claims them, in the order of their ids."""
    wanted = Q(owner_id=guest_id) | Q(owner_id=user_id, status=CheckoutSession.Status.ACTIVE)
    return list(CheckoutSession.objects.filter(wanted).select_for_update(no_key=True).order_by("pk"))


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Sessions that the clean-up has locked: ids with their owners, and the last one's place in the order."""

    owners: dict[uuid.UUID, int]
    reached: datetime

    @property
    def ids(self) -> list[uuid.UUID]:
        return list(self.owners)


def lock_batch(wanted: QuerySet[CheckoutSession], *, order_by: str, limit: int) -> Batch | None:
    """Lock up to `limit` of the wanted sessions, passing by those that somebody else holds; None where none is left."""
    rows = wanted.select_for_update(skip_locked=True).order_by(order_by)[:limit]
    owners = dict(rows.values_list("pk", "owner_id"))
    if not owners:
        return None
    # Read for one row, not for a thousand: turning timestamps into objects took as long as the locking.
    reached = CheckoutSession.objects.values_list(order_by, flat=True).get(pk=list(owners)[-1])
    return Batch(owners=owners, reached=reached)


def database_now() -> datetime:
    """The one clock that decides: the database's."""
    with connection.cursor() as cursor:
        cursor.execute("select clock_timestamp()")
        moment: datetime = cursor.fetchone()[0]
        return moment
