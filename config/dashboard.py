"""What the admin's front page shows: money, credits, checkouts, nets and what waits. Reads only."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial

from django.core.cache import cache
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from checkout import currencies
from checkout.metrics import SessionMetrics, session_metrics
from config import signs
from credits.metrics import Day, LedgerMetrics, Verified, last_verified, ledger_metrics, moved_by_day
from outbox.metrics import OutboxMetrics, outbox_metrics
from purchases import latency
from purchases.metrics import DayOfRevenue, PurchaseMetrics, purchase_metrics, revenue_by_day
from purchases.models import ProofReport, Purchase

DAYS = 30
KEPT_SECONDS = 60
CHART_HEIGHT = 80
BAR_STEP = 12


@dataclass(frozen=True, kw_only=True)
class Bar:
    """One day in a chart, in units of the drawing."""

    x: int
    y: float
    height: float
    title: str


@dataclass(frozen=True, kw_only=True)
class Chart:
    """Thirty days of one thing, and the sentence for those who do not see it."""

    title: str
    total: str
    today: str
    text: str
    bars: list[Bar]
    width: int = DAYS * BAR_STEP
    height: int = CHART_HEIGHT


@dataclass(frozen=True, kw_only=True)
class Dashboard:
    """Everything on the page, as of `read_at`."""

    charts: list[Chart]
    ledger: LedgerMetrics
    outstanding_value: list[str]
    sessions: SessionMetrics
    purchases: PurchaseMetrics
    nets: dict[str, latency.Net]  # by their names, in the reader's language
    outbox: OutboxMetrics
    signs: signs.Signs
    last_proof: ProofReport | None
    last_verify: Verified | None
    read_at: datetime


def dashboard() -> Dashboard:
    """Return what was read within the last minute, else read it."""
    key = f"config.dashboard:{get_language()}"
    found = cache.get(key)
    if not isinstance(found, Dashboard):
        found = _read()
        cache.set(key, found, KEPT_SECONDS)
    return found


def _read() -> Dashboard:
    ledger, moved = ledger_metrics(), moved_by_day(days=DAYS)
    labels = {via: str(label) for via, label in Purchase.Via.choices}
    return Dashboard(
        charts=[*_revenue_charts(revenue_by_day(days=DAYS)), *_credit_charts(moved)],
        ledger=ledger,
        outstanding_value=[
            currencies.written(value, currency) for currency, value in ledger.outstanding_value.items()
        ],
        sessions=session_metrics(window=timedelta(days=DAYS)),
        purchases=purchase_metrics(),
        nets={labels.get(via, via): net for via, net in latency.by_net(window=timedelta(days=DAYS)).items()},
        outbox=outbox_metrics(),
        signs=signs.signs(),
        last_proof=ProofReport.objects.order_by("-pk").first(),
        last_verify=last_verified(),
        read_at=timezone.now(),
    )


def _revenue_charts(days: list[DayOfRevenue]) -> list[Chart]:
    charts = []
    for currency in sorted({each.currency for each in days}):
        amounts = {each.day: each.amount for each in days if each.currency == currency}
        title = _("Revenue in %(currency)s") % {"currency": currency}
        charts.append(_chart(title, amounts, partial(currencies.written, currency=currency)))
    return charts


def _credit_charts(days: list[Day]) -> list[Chart]:
    return [
        _chart(title, {each.day: getattr(each, name) for each in days}, number_format)
        for name, title in (
            ("sold", _("Credits sold")),
            ("spent", _("Credits spent")),
            ("expired", _("Credits expired")),
        )
    ]


def _chart(title: str, amounts: dict[date, int], written: Callable[[int], str]) -> Chart:
    today = timezone.now().date()
    days = [today - timedelta(days=back) for back in range(DAYS - 1, -1, -1)]
    values = [amounts.get(day, 0) for day in days]
    highest = max(*values, 1)
    best = days[values.index(max(values))]
    total = written(sum(values))
    text = (
        _("%(title)s: %(total)s in %(days)d days, most on %(day)s (%(most)s).")
        % {
            "title": title,
            "total": total,
            "days": DAYS,
            "day": date_format(best, "SHORT_DATE_FORMAT"),
            "most": written(max(values)),
        }
        if any(values)
        else _("%(title)s: none in %(days)d days.") % {"title": title, "days": DAYS}
    )
    return Chart(
        title=title,
        total=total,
        today=written(values[-1]),
        text=text,
        bars=[
            _bar(index, value, highest, f"{date_format(day, 'SHORT_DATE_FORMAT')}: {written(value)}")
            for index, (day, value) in enumerate(zip(days, values, strict=True))
        ],
    )


def _bar(index: int, value: int, highest: int, title: str) -> Bar:
    height = round(max(value, 0) / highest * CHART_HEIGHT, 1)
    return Bar(x=index * BAR_STEP, y=round(CHART_HEIGHT - height, 1), height=height, title=title)
