"""One pass of mails."""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand

from outbox import sending


class Command(BaseCommand):
    """Send what is due and say how many."""

    help = "Send the messages that are due."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        counts = asdict(sending.send_due())
        self.stdout.write(
            json.dumps(counts)
            if options["json"]
            else "{sent} sent, {dropped} dropped, {waiting} waiting".format(**counts)
        )
