"""The proof between Stripe and the ledger, by hand or by cron."""

import json
import sys
from argparse import ArgumentParser, ArgumentTypeError
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from checkout.locks import database_now
from purchases import proof
from purchases.errors import PurchasesError
from purchases.models import ProofReport

CLOCKS_DIFFER = timedelta(hours=1)
NAMES = (
    "sessions",
    "settled",
    "missing",
    "odd",
    "totals",
    "not_ours",
    "returned",
    "returned_missing",
    "findings",
    "seconds",
)


class Command(BaseCommand):
    """Compare Stripe's paid sessions with purchases and ledger, both ways. Exit 1 where anything was off."""

    help = "Compare all paid sessions of a window with purchases and ledger, settle what is missing, report."

    def add_arguments(self, parser: ArgumentParser) -> None:
        days = settings.PURCHASES_PROOF_DAYS
        parser.add_argument("--days", type=int, default=days, help=f"how many, up to now or --to ({days})")
        parser.add_argument("--from", dest="from_day", type=_day, metavar="DAY", help="the first, not --days")
        parser.add_argument("--to", dest="to_day", type=_day, metavar="DAY", help="the last; 2026-11-30, UTC")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            from_at, to_at = _window(options)
        except OverflowError as error:
            raise CommandError("The window reaches beyond the years that dates have.") from error
        try:
            report = proof.prove(from_at=from_at, to_at=to_at)
        except PurchasesError as error:
            if options["json"]:
                self.stdout.write(json.dumps({**dict.fromkeys(NAMES), "error": str(error)}))
            raise CommandError(f"Not proved: {error}") from error
        self.stdout.write(json.dumps(_answer(report)) if options["json"] else _words(report))
        if not report.is_fine:
            sys.exit(1)


def _window(options: dict[str, Any]) -> tuple[datetime, datetime]:
    """Up to now and a little more: Stripe's clock may be ahead of ours."""
    to_at = database_now() + CLOCKS_DIFFER
    if options["to_day"]:
        to_at = _midnight(options["to_day"]) + timedelta(days=1)
    from_at = to_at - timedelta(days=options["days"])
    if options["from_day"]:
        from_at = _midnight(options["from_day"])
    if from_at >= to_at:
        raise CommandError("The window ends before it begins.")
    return from_at, to_at


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no day such as 2026-11-30") from None


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _answer(report: ProofReport) -> dict[str, Any]:
    window = {"from": report.from_at.isoformat(), "to": report.to_at.isoformat()}
    return {**{name: getattr(report, name) for name in NAMES}, **window}


def _words(report: ProofReport) -> str:
    lines = [
        f"{report.sessions} paid sessions, {report.missing} missing here, {report.settled} of them credited now,"
        f" {report.returned} refunds and disputes, {report.returned_missing} not booked before,"
        f" {report.odd} odd, {report.not_ours} not ours"
    ]
    lines += [f"{found['kind']}: {found['stripe_session']} {found['what']}" for found in report.findings]
    return "\n".join(lines)
