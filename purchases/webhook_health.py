"""Whether webhooks arrive. Every purchase is credited without them; this tells when they are quietly dead."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import connection
from django.db.models.functions import Now
from django.urls import reverse

from checkout.locks import database_now
from purchases import alerts, inbox, stripe_gateway
from purchases.errors import PurchasesError
from purchases.models import StripeEvent, WebhookTally

log = structlog.get_logger(__name__)

Outcome = WebhookTally.Outcome
TALLIES_KEPT = timedelta(days=90)
DAY = timedelta(days=1)
# A webhook may come a little after the buyer.
GRACE = timedelta(minutes=5)
# Fewer purchases than this prove nothing.
ENOUGH = 3
SLOW_SECONDS = 120.0
LONGEST_WAIT = timedelta(minutes=15)


@dataclass(frozen=True, kw_only=True)
class WebhookHealth:
    """How webhooks did within a window. `untold`: credited purchases that no webhook call spoke of."""

    last_good_at: datetime | None
    last_refused_at: datetime | None
    last_refused_reason: str
    refused: int
    median_lag_seconds: float | None
    credited: int
    credited_by_others: int
    untold: int
    waiting: int
    oldest_waiting_at: datetime | None
    alarms: tuple[str, ...]

    @property
    def share_by_others(self) -> float | None:
        """Of the credited purchases, how many another net than the webhook credited."""
        return self.credited_by_others / self.credited if self.credited else None


@dataclass(frozen=True, kw_only=True)
class EndpointHealth:
    """Our endpoint as Stripe has it. `problems` are sentences; an empty one is as it should be."""

    url: str
    status: str
    api_version: str
    our_api_version: str
    missing_types: tuple[str, ...]
    problems: tuple[str, ...]


def health(*, window: timedelta = DAY) -> WebhookHealth:
    """Read our own books; Stripe is not asked."""
    now = database_now()
    tallies = WebhookTally.objects.order_by("-last_at")
    good = tallies.exclude(outcome=Outcome.REFUSED).first()
    refused = tallies.filter(outcome=Outcome.REFUSED).first()
    with connection.cursor() as cursor:
        cursor.execute(_CREDITED, {"since": now - window, "until": now - GRACE})
        credited, by_others, settled, untold = cursor.fetchone()
        cursor.execute(_LAG, [now - window])
        (lag,) = cursor.fetchone()
    waiting = StripeEvent.objects.filter(state=StripeEvent.State.WAITING)
    oldest = waiting.order_by("received_at").values_list("received_at", flat=True).first()
    days = tallies.filter(day__gte=(now - window).date(), outcome=Outcome.REFUSED)
    reason = refused.reason if refused else ""
    return WebhookHealth(
        last_good_at=good.last_at if good else None,
        last_refused_at=refused.last_at if refused else None,
        last_refused_reason=reason,
        refused=sum(days.values_list("count", flat=True)),
        median_lag_seconds=lag,
        credited=credited,
        credited_by_others=by_others,
        untold=untold,
        waiting=waiting.count(),
        oldest_waiting_at=oldest,
        alarms=_alarms(settled=settled, untold=untold, lag=lag, oldest=oldest, reason=reason, now=now),
    )


def endpoint_health() -> EndpointHealth:
    """Ask Stripe where it sends our events. What it does not tell is a problem in words, never an error."""
    url = f"{settings.PUBLIC_BASE_URL}/webhooks/stripe/"
    try:
        known = stripe_gateway.webhook_endpoints()
    except PurchasesError as error:
        return _unseen(url, f"Stripe does not show its endpoints: {error}")
    found = [endpoint for endpoint in known if endpoint.url.rstrip("/") == url.rstrip("/")]
    if not found:
        return _unseen(url, f"Stripe has no endpoint for {url}")
    ours = stripe_gateway.our_api_version()
    endpoint = next((one for one in found if one.status == "enabled"), found[0])
    wanted = inbox.FOLLOWED - inbox.INTENT_EVENTS
    missing = () if "*" in endpoint.events else tuple(sorted(wanted - endpoint.events))
    problems = []
    if endpoint.status not in ("enabled", ""):
        problems.append(f"The endpoint is {endpoint.status}")
    if endpoint.api_version and endpoint.api_version != ours:
        problems.append(f"It sends events of version {endpoint.api_version}; we speak {ours}")
    if missing:
        problems.append(f"It does not send {', '.join(missing)}")
    return EndpointHealth(
        url=endpoint.url,
        status=endpoint.status,
        api_version=endpoint.api_version,
        our_api_version=ours,
        missing_types=missing,
        problems=tuple(problems),
    )


def _unseen(url: str, problem: str) -> EndpointHealth:
    return EndpointHealth(
        url=url,
        status="",
        api_version="",
        our_api_version=stripe_gateway.our_api_version(),
        missing_types=(),
        problems=(problem,),
    )


def watch() -> WebhookHealth:
    """Log what is alarming and write to staff, once a day; forget old counts."""
    WebhookTally.objects.filter(last_at__lt=Now() - TALLIES_KEPT).delete()
    seen = health()
    for alarm in seen.alarms:
        log.error("webhooks_look_ill", alarm=alarm)
    if seen.alarms:
        day = f"{database_now():%Y-%m-%d}"
        alerts.tell_staff(
            "webhooks",
            key=day,
            context={"alarms": list(seen.alarms), "path": reverse("admin:purchases_stripeevent_webhooks")},
        )
    return seen


def _alarms(
    *, settled: int, untold: int, lag: float | None, oldest: datetime | None, reason: str, now: datetime
) -> tuple[str, ...]:
    alarms = []
    if untold >= ENOUGH and untold * 2 > settled:
        because = f" (a call was refused: {reason})" if reason else ""
        alarms.append(f"{untold} of {settled} credited purchases were told by no webhook{because}")
    if lag is not None and lag > SLOW_SECONDS:
        alarms.append(f"webhooks come {lag:.0f} seconds late")
    if oldest is not None and now - oldest > LONGEST_WAIT:
        alarms.append(f"an event waits to be handled since {oldest:%Y-%m-%d %H:%M}")
    return tuple(alarms)


_CREDITED = """
select count(*), count(*) filter (where credited_via <> 'webhook'),
  count(*) filter (where credited_at < %(until)s),
  count(*) filter (where credited_at < %(until)s and not exists (
    select from purchases_stripeevent as event
    where event.object_id in (purchase.stripe_session_id, purchase.payment_intent) and event.delivered_at is not null
  ))
from purchases_purchase as purchase
where status = 'credited' and credited_at > %(since)s
"""
_LAG = """
select percentile_cont(0.5) within group (
  order by greatest(extract(epoch from delivered_at - happened_at), 0)::float8
)
from purchases_stripeevent where delivered_at > %s
"""
