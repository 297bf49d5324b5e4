"""What the ledger as a whole holds and moved. Reads only; sums over all accounts, so ask once in a while."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import BigIntegerField, Case, Count, DecimalField, F, Q, Sum, Value, When
from django.db.models.functions import Cast, Coalesce, Now, TruncDate

from credits.models import Account, Entry, Hold, Lot, VerifyRun

Kind = Entry.Kind
SOLD = (Kind.PURCHASE, Kind.BONUS)
SPENT = (Kind.SPEND, Kind.CAPTURE, Kind.REVERSAL)


@dataclass(frozen=True, kw_only=True)
class LedgerMetrics:
    """In credits. `outstanding` is what people can still use, held credits among it; expired ones never count.

    `outstanding_value` is what was paid for it, in minor units by currency: what is still owed in services.
    """

    accounts: int
    outstanding: int
    outstanding_value: dict[str, int]
    held: int
    open_holds: int
    debt: int
    lifetime: int
    spent: int


@dataclass(frozen=True, kw_only=True)
class Day:
    """What moved on one day (UTC), in credits."""

    day: date
    sold: int
    spent: int
    expired: int


@dataclass(frozen=True, kw_only=True)
class Verified:
    """The last proof of every account."""

    ran_at: datetime
    problems: int

    @property
    def is_fine(self) -> bool:
        """Whether nothing was wrong."""
        return self.problems == 0


def last_verified() -> Verified | None:
    """Return when the ledger was last proved and what was found; None where it never was."""
    run = VerifyRun.objects.order_by("-pk").first()
    return Verified(ran_at=run.ran_at, problems=run.problems) if run else None


def ledger_metrics() -> LedgerMetrics:
    """Sum up every account and every open lot, by the database's clock."""
    totals = Account.objects.aggregate(
        accounts=Count("pk"),
        debt=_sum("debt"),
        lifetime=_sum("lifetime"),
        spent=_sum("spent"),
        held=_sum("held"),
    )
    is_usable = Q(expires_at__isnull=True) | Q(expires_at__gt=Now())
    usable = Lot.objects.filter(is_open=True).annotate(
        usable=Case(When(is_usable, then=F("remaining")), default=F("held"))  # held credits outlive their lot
    )
    paid = usable.filter(kind=Lot.Kind.PAID).exclude(currency="")
    price = Cast(
        "price_minor", DecimalField(max_digits=40, decimal_places=0)
    )  # a product beyond 2^63 must not fail
    value = paid.values("currency").annotate(value=Sum(price * F("usable") / F("granted")))
    return LedgerMetrics(
        outstanding=usable.aggregate(sum=_sum("usable"))["sum"],
        outstanding_value={row["currency"]: int(row["value"]) for row in value.order_by("currency")},
        open_holds=Hold.objects.filter(is_open=True).count(),
        **totals,
    )


def moved_by_day(*, days: int = 30) -> list[Day]:
    """Return what moved on each of the last `days` days on which anything did, oldest first."""
    rows = (
        Entry.objects.filter(created_at__gt=Now() - timedelta(days=days))
        .values(day=TruncDate("created_at"))
        .annotate(
            sold=_sum("amount", filter=Q(kind__in=SOLD)),
            spent=-_sum("amount", filter=Q(kind__in=SPENT)),
            expired=-_sum("amount", filter=Q(kind=Kind.EXPIRY)),
        )
        .order_by("day")
    )
    return [Day(**row) for row in rows]


def _sum(field: str, *, filter: Q | None = None) -> Coalesce:
    return Coalesce(Sum(field, filter=filter), Value(0), output_field=BigIntegerField())
