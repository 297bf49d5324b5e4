"""Every lock of this app. The order everywhere: user, checkout session, purchase, account."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth import get_user_model
from django.db import connection
from django.db.models import Q, QuerySet
from django.db.models.expressions import RawSQL

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


# For sessions.complete(), in one round trip: what it was is only known under the lock.
LOCK_AND_COMPLETE = """
with before as (
  select id, owner_id, status from checkout_checkoutsession where id = %s for no key update
)
update checkout_checkoutsession as session set status = 'completed'
from before where session.id = before.id and before.status <> 'completed'
returning before.owner_id, before.status
"""


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
    """Sessions that the clean-up has locked, and the last one's place in the order.

    The lists are as PostgreSQL writes arrays, to be handed back as they came: turning thousands of values into
    objects, and into text again, took as long as the locking. A locked row stays where it is: `places` holds until
    the commit.
    """

    size: int
    reached: datetime
    places: str
    ids: str
    owners: str


# Locked first, then gathered: one row comes back. And the commit waits for no flush: a crash of the server may forget
# the last half second, which is then expired or deleted again; what anybody saw and committed after it is kept with it.
LOCKED = """
select count(*), max({order_by}), array_agg(place)::text, array_agg(id)::text, array_agg(owner_id)::text,
  set_config('synchronous_commit', 'off', true)
from ({rows}) as batch
"""


def lock_batch(wanted: QuerySet[CheckoutSession], *, order_by: str, limit: int) -> Batch | None:
    """Lock up to `limit` of the wanted sessions, passing by those that somebody else holds; None where none is left."""
    place = RawSQL("checkout_checkoutsession.ctid", ())
    rows = wanted.select_for_update(skip_locked=True).order_by(order_by)[:limit]
    statement, params = rows.values("id", "owner_id", order_by, place=place).query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(LOCKED.format(order_by=order_by, rows=statement), params)
        size, reached, places, ids, owners, _ = cursor.fetchone()
    return Batch(size=size, reached=reached, places=places, ids=ids, owners=owners) if size else None


def database_now() -> datetime:
    """The one clock that decides: the database's."""
    with connection.cursor() as cursor:
        cursor.execute("select clock_timestamp()")
        moment: datetime = cursor.fetchone()[0]
        return moment
