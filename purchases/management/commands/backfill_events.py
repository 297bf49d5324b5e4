"""One pass of the backfill, by hand or by cron."""

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from purchases import backfill
from purchases.errors import PurchasesError

NAMES = ("checked", "credited", "failed", "waiting")


class Command(BaseCommand):
    """Take in the events of Stripe's list that nobody brought. Exit 1 where some still wait or a gap was found."""

    help = "Take in the events that Stripe lists since the last one seen. Exit 1 where something still waits."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            run = backfill.backfill()
        except PurchasesError as error:
            if options["json"]:
                self.stdout.write(json.dumps({**dict.fromkeys(NAMES), "error": str(error)}))
            raise CommandError(f"Not backfilled: {error}") from error
        counts = {name: getattr(run, name) for name in NAMES}
        words = "{checked} checked, {credited} credited, {failed} failed, {waiting} waiting"
        self.stdout.write(json.dumps(counts) if options["json"] else words.format(**counts))
        if run.has_gap:
            self.stderr.write("Nobody looked for longer than Stripe keeps its events: run `prove`.")
        if run.has_gap or run.waiting:
            sys.exit(1)
