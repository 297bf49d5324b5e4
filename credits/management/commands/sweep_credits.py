"""One pass of the ledger's sweep, by hand or by cron."""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand

from credits import sweeping


class Command(BaseCommand):
    """Book expired lots and release expired holds."""

    help = "Book expired lots and release expired holds. Balances are right without it, statements complete with it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        swept = asdict(sweeping.sweep_credits())
        words = "{lots_expired} lots expired, {holds_released} holds released"
        self.stdout.write(json.dumps(swept) if options["json"] else words.format(**swept))
