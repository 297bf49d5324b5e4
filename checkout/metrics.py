"""How checkouts go: counts and rates of the sessions that began within a window. Reads only."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Q
from django.db.models.functions import Now

from checkout.models import CheckoutSession, CleanUpRun

Status = CheckoutSession.Status
# Ends that are no loss: the wish goes on in the session that took the place.
RENEWAL = (
    CheckoutSession.EndReason.CHANGED_TIER,
    CheckoutSession.EndReason.PRICE_CHANGED,
    CheckoutSession.EndReason.LITTLE_TIME,
)


@dataclass(frozen=True, kw_only=True)
class SessionMetrics:
    """`active` is now; the counts are of sessions that began within the window, as they stand now.

    The clean-up deletes what came to nothing, so a window longer than the retention flatters.
    """

    active: int
    started: int
    renewed: int
    completed: int
    expired: int
    invalidated: int
    lost: int
    recovered: int
    recovered_and_completed: int
    last_clean_up: datetime | None

    @property
    def completion_rate(self) -> float | None:
        """Completed among the wishes: a renewed session carries on the wish of the one before it."""
        return _share(self.completed, self.started - self.renewed)

    @property
    def recovery_rate(self) -> float | None:
        """Recovered among those that ended unpaid without a session in their place."""
        return _share(self.recovered, self.lost)


def session_metrics(*, window: timedelta = timedelta(days=7)) -> SessionMetrics:
    """Count the sessions that began within `window`, by the database's clock."""
    is_recovered = Q(recovered_from__isnull=False)
    counts = CheckoutSession.objects.filter(created_at__gt=Now() - window).aggregate(
        started=Count("pk"),
        renewed=Count("pk", filter=Q(renewed_from__isnull=False)),
        completed=Count("pk", filter=Q(status=Status.COMPLETED)),
        expired=Count("pk", filter=Q(status=Status.EXPIRED)),
        invalidated=Count("pk", filter=Q(status=Status.INVALIDATED)),
        lost=Count(
            "pk", filter=Q(status__in=[Status.EXPIRED, Status.INVALIDATED]) & ~Q(end_reason__in=RENEWAL)
        ),
        recovered=Count("pk", filter=is_recovered),
        recovered_and_completed=Count("pk", filter=is_recovered & Q(status=Status.COMPLETED)),
    )
    return SessionMetrics(
        active=CheckoutSession.objects.filter(status=Status.ACTIVE, expires_at__gt=Now()).count(),
        last_clean_up=CleanUpRun.objects.order_by("-pk").values_list("ran_at", flat=True).first(),
        **counts,
    )


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole > 0 else None
