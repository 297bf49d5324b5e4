"""When the money moved by Stripe's clock, how long the credits took, and which net brought them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from django.db import connection

from purchases.models import Purchase, StripeEvent

DELAYED_PAID = "checkout.session.async_payment_succeeded"
COMPLETED = "checkout.session.completed"
PAID = ("paid", "no_payment_required")


@dataclass(frozen=True, kw_only=True)
class Net:
    """What one net did within a window. Seconds from paid to credited; None where no paid instant is known."""

    credited: int
    median_seconds: float | None
    p95_seconds: float | None
    worst_seconds: float | None


def note(event: StripeEvent, purchase: Purchase) -> None:
    """Keep the paid instant that an event tells of. The success of a delayed payment is later than its charge."""
    if event.happened_at is None:
        return
    if event.type == DELAYED_PAID:
        Purchase.objects.filter(pk=purchase.pk).update(paid_at=event.happened_at)
    elif purchase.paid_at is None and event.type == COMPLETED and _payment_status(event.payload) in PAID:
        Purchase.objects.filter(pk=purchase.pk, paid_at=None).update(paid_at=event.happened_at)


def by_net(*, window: timedelta = timedelta(days=7)) -> dict[str, Net]:
    """For each net, what it credited within `window` and how soon."""
    with connection.cursor() as cursor:
        cursor.execute(_BY_NET, [window.total_seconds()])
        return {
            via: Net(credited=credited, median_seconds=median, p95_seconds=p95, worst_seconds=worst)
            for via, credited, median, p95, worst in cursor.fetchall()
        }


def credited_by_net() -> Mapping[str, int]:
    """How many purchases each net has credited since the beginning; every net is named."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select credited_via, count(*) from purchases_purchase where status = 'credited' group by credited_via"
        )
        counted = dict(cursor.fetchall())
    return {via: counted.get(via, 0) for via in Purchase.Via.values}


# Stripe's instants are whole seconds and its clock is another one: a difference below 0 is 0.
_BY_NET = """
select credited_via, count(*), percentile_cont(0.5) within group (order by took),
  percentile_cont(0.95) within group (order by took), max(took)
from (
  select credited_via, greatest(extract(epoch from credited_at - paid_at), 0)::float8 as took
  from purchases_purchase
  where status = 'credited' and credited_at > now() - %s * interval '1 second'
) as credited
group by credited_via
order by credited_via
"""


def _payment_status(payload: Mapping[str, object]) -> object:
    data = payload.get("data")
    session = data.get("object") if isinstance(data, dict) else None
    return session.get("payment_status") if isinstance(session, dict) else None
