"""The daily proof: every paid session at Stripe has one purchase and one grant, and the reverse.

What is missing is settled, what is odd is named for a person. It asks Stripe's list of sessions, which has no end,
and not its list of events.
"""

import time
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.urls import reverse

from checkout.locks import database_now
from credits.granted import granted_between
from purchases import alerts, matching, returns_proof, stripe_gateway
from purchases.errors import PurchasesError, UnknownAtStripe, UnreadableAnswer
from purchases.findings import Findings
from purchases.fulfilment import settle
from purchases.matching import Match
from purchases.models import ProofReport, Purchase
from purchases.stripe_gateway import StripeSession

log = structlog.get_logger(__name__)

CHUNK = 1000
# So many unlisted sessions are asked about one by one; with more, the key is of another account.
MOST_ASKED = 500
NOT_LISTED = "credited, but not among the sessions that Stripe lists"
UNDER_WAY = timedelta(hours=1)
# A little less than a day, so that an hourly beat does not drift.
DAILY = timedelta(hours=23, minutes=30)


def prove(*, from_at: datetime, to_at: datetime) -> ProofReport:
    """Compare all paid sessions that were created in the window, settle what is missing, and keep a report.

    Where anything was off, an error is logged and staff is written to.
    Raises StripeUnavailable or StripeRefused; what was settled by then stays settled, and there is no report.
    """
    assert from_at < to_at, "a window has an end after its beginning"
    begun = time.monotonic()
    proof = Findings()
    for page in stripe_gateway.sessions_created(from_at=from_at, to_at=to_at):
        _compare(proof, [session for session in page.things if session.is_paid])
        for unread in page.unread:
            proof.odd += 1
            proof.find("odd", session=unread.id, purchase=None, what=unread.why)
    _look_back_from_purchases(proof, from_at, to_at)
    _look_back_from_ledger(proof, from_at, to_at)
    returns_proof.compare(proof, from_at, to_at)
    report = ProofReport(
        from_at=from_at,
        to_at=to_at,
        sessions=proof.sessions,
        not_ours=proof.not_ours,
        missing=proof.missing,
        settled=proof.settled,
        odd=proof.odd,
        returned=proof.returned,
        returned_missing=proof.returned_missing,
        totals={currency: dict(counts) for currency, counts in sorted(proof.totals.items())},
        findings=proof.findings,
        seconds=round(time.monotonic() - begun, 3),
    )
    report.save(force_insert=True)
    if report.is_fine:
        log.info("proved", report=report.pk, sessions=report.sessions)
    else:
        log.error(
            "proof_found_differences",
            report=report.pk,
            missing=report.missing,
            returned_missing=report.returned_missing,
            odd=report.odd,
        )
        alerts.tell_staff("proof", key=f"report:{report.pk}", context=_summary(report))
    return report


def prove_once_a_day() -> ProofReport | None:
    """The beat's proof of the last PURCHASES_PROOF_DAYS, up to an hour ago, once in a day; None where it is done.

    The last hour is tomorrow's: a payment of this minute is on its way, not missing.
    """
    now = database_now()
    from_at = now - timedelta(days=settings.PURCHASES_PROOF_DAYS)
    whole = ProofReport.objects.filter(from_at__lte=from_at + DAILY, to_at__gte=now - 2 * DAILY)
    if whole.filter(created_at__gt=now - DAILY).exists():
        return None
    return prove(from_at=from_at, to_at=now - UNDER_WAY)


def _compare(proof: Findings, paid: list[StripeSession]) -> None:
    proof.paid.update(session.id for session in paid)
    matches = matching.match(paid)
    proof.not_ours += len(paid) - len(matches)
    proof.sessions += len(matches)
    missing = {found.session.id for found in matches if not found.is_credited}
    if missing:
        for found in matches:
            if found.session.id in missing:
                _settle_missing(proof, found)
        matches = matching.match([found.session for found in matches])
    for found in matches:
        _tally(proof, found)
        if found.is_credited and found.session.id in missing:
            proof.settled += 1
        if what := matching.difference(found):
            proof.odd += 1
            proof.find("odd", session=found.session.id, purchase=found.purchase, what=what)


def _settle_missing(proof: Findings, found: Match) -> None:
    proof.missing += 1
    status = found.purchase.status if found.purchase else "not there"
    what = f"paid at Stripe, here: {status}"
    proof.find("missing", session=found.session.id, purchase=found.purchase, what=what)
    try:
        settle(found.session.id, via=Purchase.Via.PROOF)
    except PurchasesError as error:
        log.warning("not_settled_yet", stripe_session=found.session.id, error=str(error))
    except Exception:
        log.exception("not_settled", stripe_session=found.session.id)


def _tally(proof: Findings, found: Match) -> None:
    """Sums by currency, of both sides: what Stripe says was paid, and what we recorded and granted."""
    total = proof.total(found.session.currency)
    total["sessions"] += 1
    total["paid_minor"] += found.session.amount_total or 0
    if found.purchase is not None and found.is_credited:
        total["purchases"] += 1
        total["recorded_minor"] += found.purchase.amount_total or 0
        total["sold_credits"] += found.purchase.total_credits
    if found.granted is not None:
        total["granted_credits"] += found.granted.amount


def _look_back_from_purchases(proof: Findings, from_at: datetime, to_at: datetime) -> None:
    """Every credited purchase is paid at Stripe. One that the list did not show is asked about by itself."""
    window = Purchase.objects.filter(
        status=Purchase.Status.CREDITED, created_at__gte=from_at, created_at__lt=to_at
    ).defer("request", "stripe_url")
    after = asked = 0
    while chunk := list(window.filter(pk__gt=after).order_by("pk")[:CHUNK]):
        after = chunk[-1].pk
        for purchase in chunk:
            session_id = purchase.stripe_session_id or ""
            if session_id in proof.paid:
                continue
            asked += 1
            if what := _unpaid(session_id) if asked <= MOST_ASKED else NOT_LISTED:
                proof.odd += 1
                proof.find("unpaid", session=session_id, purchase=purchase, what=what)


def _unpaid(session_id: str) -> str:
    try:
        truth = stripe_gateway.retrieve_session(session_id)
    except UnknownAtStripe:
        return "credited, but Stripe knows no such session"
    except UnreadableAnswer as error:
        return f"credited, but {error}"
    return "" if truth.is_paid else f"credited, but Stripe says {truth.status} and {truth.payment_status}"


def _look_back_from_ledger(proof: Findings, from_at: datetime, to_at: datetime) -> None:
    """Every purchase in the ledger has a row of ours that says so."""
    for chunk in granted_between(from_at, to_at):
        sources = [granted.source for granted in chunk]
        known = set(
            Purchase.objects.filter(
                stripe_session_id__in=sources, status=Purchase.Status.CREDITED
            ).values_list("stripe_session_id", flat=True)
        )
        for granted in chunk:
            if granted.source not in known | proof.paid:
                proof.odd += 1
                what = f"{granted.amount} credits in the ledger without a credited purchase"
                proof.find("without_purchase", session=granted.source, purchase=None, what=what)


def _summary(report: ProofReport) -> dict[str, object]:
    counts = ("sessions", "missing", "settled", "returned_missing", "odd")
    return {
        "from": f"{report.from_at:%Y-%m-%d %H:%M}",
        "to": f"{report.to_at:%Y-%m-%d %H:%M}",
        "path": reverse("admin:purchases_proofreport_change", args=[report.pk]),
        **{name: getattr(report, name) for name in counts},
    }
