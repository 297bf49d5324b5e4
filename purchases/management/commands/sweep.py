"""One pass of the sweep, by hand or by cron."""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from purchases import sweep as sweeping


class Command(BaseCommand):
    """Ask Stripe about every unsettled purchase that is due."""

    help = "Ask Stripe about every unsettled purchase that is due, and handle events that still wait."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--all", action="store_true", help="whatever is unsettled, due or not")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        counts = asdict(sweeping.sweep(is_all=options["all"]))
        unanswered = counts.pop("unanswered")
        words = "{checked} checked, {credited} credited, {failed} failed, {waiting} waiting"
        self.stdout.write(json.dumps(counts) if options["json"] else words.format(**counts))
        if unanswered:
            raise CommandError(
                f"{unanswered} of those waiting got no answer; the log says why. Try again later."
            )
