"""How buying goes: how purchases stand, what came in, what waits. Reads only; latency.py knows the nets."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Count, Min, Q, Sum
from django.db.models.functions import Now, TruncDate

from purchases.models import Purchase, StripeEvent

Status = Purchase.Status


@dataclass(frozen=True, kw_only=True)
class PurchaseMetrics:
    """Counts since the beginning; `revenue` is what credited purchases cost, in minor units by currency."""

    by_status: dict[str, int]
    revenue: dict[str, int]
    late: int
    duplicates: int


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """The longest that anything is overdue: None where nothing is."""

    purchase_due_since: datetime | None
    event_received_at: datetime | None
    events: int


@dataclass(frozen=True, kw_only=True)
class DayOfRevenue:
    """What was paid on one day (UTC) in one currency, in minor units."""

    day: date
    currency: str
    amount: int
    purchases: int


def purchase_metrics() -> PurchaseMetrics:
    """Count every purchase."""
    rows = Purchase.objects.values("status", "currency").annotate(
        count=Count("pk"),
        amount=Sum("amount_total"),
        late=Count("pk", filter=Q(is_late=True)),
        duplicates=Count("pk", filter=Q(is_duplicate=True)),
    )
    by_status: dict[str, int] = dict.fromkeys(Status.values, 0)
    revenue: dict[str, int] = {}
    late = duplicates = 0
    for row in rows:
        by_status[row["status"]] += row["count"]
        late += row["late"]
        duplicates += row["duplicates"]
        if row["status"] == Status.CREDITED:
            revenue[row["currency"]] = revenue.get(row["currency"], 0) + (row["amount"] or 0)
    return PurchaseMetrics(by_status=by_status, revenue=revenue, late=late, duplicates=duplicates)


def waiting() -> Waiting:
    """What should have been looked at already. Both look-ups go by a partial index."""
    events = StripeEvent.objects.filter(state=StripeEvent.State.WAITING).aggregate(
        oldest=Min("received_at"), count=Count("pk")
    )
    return Waiting(
        purchase_due_since=Purchase.objects.filter(next_check_at__lt=Now()).aggregate(
            oldest=Min("next_check_at")
        )["oldest"],
        event_received_at=events["oldest"],
        events=events["count"],
    )


def revenue_by_day(*, days: int = 30) -> list[DayOfRevenue]:
    """Return what was credited on each of the last `days` days on which anything was, oldest first."""
    rows = (
        Purchase.objects.filter(status=Status.CREDITED, credited_at__gt=Now() - timedelta(days=days))
        .annotate(day=TruncDate("credited_at"))
        .values_list("day", "currency")
        .annotate(Sum("amount_total", default=0), Count("pk"))
        .order_by("day", "currency")
    )
    return [
        DayOfRevenue(day=day, currency=currency, amount=amount, purchases=count)
        for day, currency, amount, count in rows
    ]
