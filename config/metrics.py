"""/metrics for Prometheus. Every number is read from the database, so it is right with any number of processes."""

import hmac
from collections.abc import Iterator
from dataclasses import asdict
from datetime import timedelta

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry, Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from checkout.metrics import session_metrics
from config import signs
from credits.metrics import last_verified, ledger_metrics
from outbox.metrics import outbox_metrics
from purchases import latency, tallies, webhook_health
from purchases.metrics import purchase_metrics, waiting
from purchases.models import ProofReport

KEPT_SECONDS = 10  # several scrapers, or a stranger where there is no token, cost one reading
WINDOW = timedelta(days=7)


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Everything, in Prometheus' text format. With METRICS_TOKEN set, only for its bearer."""
    if not _is_allowed(request):
        response = HttpResponse("Unauthorized\n", status=401, content_type="text/plain")
        response.headers["WWW-Authenticate"] = "Bearer"
        return response
    text = cache.get_or_set("config.metrics", _text, KEPT_SECONDS)
    return HttpResponse(text, content_type=CONTENT_TYPE_LATEST)


def _is_allowed(request: HttpRequest) -> bool:
    token = settings.METRICS_TOKEN
    sent = request.headers.get("Authorization", "")
    return not token or hmac.compare_digest(sent.encode(), f"Bearer {token}".encode())


def _text() -> bytes:
    registry = CollectorRegistry()
    registry.register(CofferCollector())
    return generate_latest(registry)


class CofferCollector(Collector):
    """Reads what each app says of itself."""

    def collect(self) -> Iterator[Metric]:
        """Yield every metric, by room."""
        yield from self._purchases()
        yield from self._waiting()
        yield from self._stripe_webhooks()
        yield from self._checkout()
        yield from self._credits()
        yield from self._proofs()
        yield from self._outbox()

    def describe(self) -> Iterator[Metric]:
        """Nothing to say before a scrape: registering must not read the database."""
        return iter(())

    def _purchases(self) -> Iterator[Metric]:
        found = purchase_metrics()
        yield _labelled(
            GaugeMetricFamily, "purchases", "Purchases by how they stand.", "status", found.by_status
        )
        yield _labelled(
            CounterMetricFamily,
            "purchases_credited",
            "Credited purchases by the net that credited them.",
            "net",
            dict(latency.credited_by_net()),
        )
        yield self._latency()
        yield _labelled(
            CounterMetricFamily, "revenue_minor", "Paid, in minor units.", "currency", found.revenue
        )
        yield _counter("purchases_late", "Paid after their checkout session had ended.", found.late)
        yield _counter("purchases_duplicate", "Two payments for one wish.", found.duplicates)

    def _latency(self) -> Metric:
        text = "Seconds from paid to credited, of the last seven days."
        metric = GaugeMetricFamily("coffer_paid_to_credited_seconds", text, labels=["net", "quantile"])
        for name, net in latency.by_net(window=WINDOW).items():
            for quantile, seconds in (("0.5", net.median_seconds), ("0.95", net.p95_seconds)):
                if seconds is not None:
                    metric.add_metric([name, quantile], seconds)
        return metric

    def _waiting(self) -> Iterator[Metric]:
        yield _gauge("stripe_events_waiting", "Stored events not handled yet.", waiting().events)
        for name, age in asdict(signs.signs()).items():
            yield _gauge(f"{name}_seconds", AGES[name], -1 if age is None else age)

    def _stripe_webhooks(self) -> Iterator[Metric]:
        found = webhook_health.health()
        calls = CounterMetricFamily(
            "coffer_stripe_webhook_calls", "Calls, by how they ended.", labels=["outcome", "reason"]
        )
        for way, count in tallies.tallied().items():
            calls.add_metric(way, count)
        yield calls
        for name, moment in (("good", found.last_good_at), ("refused", found.last_refused_at)):
            yield _gauge(
                f"stripe_webhook_last_{name}_timestamp_seconds",
                f"When the last {name} call came; 0: never.",
                moment.timestamp() if moment else 0,
            )
        lag = -1 if found.median_lag_seconds is None else found.median_lag_seconds
        yield _gauge("stripe_webhook_lag_seconds", "From event to call, median of a day; -1: none.", lag)
        yield _gauge(
            "purchases_credited_by_others_ratio",
            "Of a day's credited purchases, how many another net than the webhook credited.",
            found.share_by_others or 0,
        )
        yield _gauge("purchases_untold", "Credited within a day, and no webhook told.", found.untold)
        yield _gauge("stripe_webhook_alarms", "What is wrong with webhooks.", len(found.alarms))

    def _checkout(self) -> Iterator[Metric]:
        found = session_metrics(window=WINDOW)
        yield _gauge("checkout_sessions_active", "Sessions under way.", found.active)
        yield _labelled(
            GaugeMetricFamily,
            "checkout_sessions",
            "Sessions begun in the last seven days, by what became of them.",
            "outcome",
            {
                name: getattr(found, name)
                for name in (
                    "started",
                    "completed",
                    "expired",
                    "invalidated",
                    "recovered",
                    "recovered_and_completed",
                )
            },
        )
        yield _gauge("checkout_completion_ratio", "Completed among wishes.", found.completion_rate or 0)
        yield _gauge("checkout_recovery_ratio", "Recovered among lost.", found.recovery_rate or 0)
        last = found.last_clean_up.timestamp() if found.last_clean_up else 0
        yield _gauge("checkout_last_clean_up_timestamp_seconds", "When the clean-up last ran.", last)

    def _credits(self) -> Iterator[Metric]:
        found = ledger_metrics()
        yield _gauge("credits_accounts", "Accounts.", found.accounts)
        yield _gauge("credits_outstanding", "Credits that people can still use.", found.outstanding)
        yield _labelled(
            GaugeMetricFamily,
            "credits_outstanding_value_minor",
            "What was paid for them, in minor units.",
            "currency",
            found.outstanding_value,
        )
        yield _gauge("credits_held", "Credits put aside by open holds.", found.held)
        yield _gauge("credits_open_holds", "Open holds.", found.open_holds)
        yield _gauge("credits_debt", "Credits taken back beyond what was there.", found.debt)
        yield _gauge("credits_lifetime", "Credits ever granted.", found.lifetime)
        yield _gauge("credits_spent", "Credits spent, less reversals.", found.spent)

    def _proofs(self) -> Iterator[Metric]:
        ledger, stripe = last_verified(), ProofReport.objects.order_by("-pk").first()
        yield _gauge(
            "ledger_verified_timestamp_seconds",
            "When every account was last proved; 0: never.",
            ledger.ran_at.timestamp() if ledger else 0,
        )
        yield _gauge("ledger_problems", "What that found wrong.", ledger.problems if ledger else 0)
        yield _gauge(
            "proof_timestamp_seconds",
            "When Stripe and the ledger were last compared; 0: never.",
            stripe.created_at.timestamp() if stripe else 0,
        )
        yield _gauge("proof_odd", "What a person must look at.", stripe.odd if stripe else 0)

    def _outbox(self) -> Iterator[Metric]:
        found = outbox_metrics()
        yield _gauge("mails_waiting", "E-mails not sent yet.", found.mails_waiting)
        yield _gauge("mails_dropped", "E-mails given up.", found.mails_dropped)
        yield _gauge("webhooks_waiting", "Webhook deliveries not made yet.", found.webhooks_waiting)
        yield _gauge("webhooks_dropped", "Webhook deliveries given up.", found.webhooks_dropped)


AGES = {
    "last_beat": "Seconds since the beat last ran; -1: never.",
    "oldest_unsettled_purchase": "Seconds that the longest overdue purchase is overdue; -1: none is.",
    "oldest_unhandled_event": "Seconds since the oldest waiting event came; -1: none waits.",
}


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"coffer_{name}", text, value=value)


def _counter(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(f"coffer_{name}", text, value=value)


def _labelled(
    family: type[GaugeMetricFamily] | type[CounterMetricFamily],
    name: str,
    text: str,
    label: str,
    values: dict[str, int],
) -> Metric:
    metric = family(f"coffer_{name}", text, labels=[label])
    for key, value in values.items():
        metric.add_metric([key], value)
    return metric
