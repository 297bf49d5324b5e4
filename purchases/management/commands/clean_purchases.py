"""Delete what came to nothing or was handled long ago, as the beat does."""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand

from purchases import cleaning


class Command(BaseCommand):
    """One pass, and how many it concerned."""

    help = "Delete old purchases that came to nothing, and events of Stripe's that were handled long ago."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="count only, change nothing")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        counts = asdict(cleaning.clean_up(dry_run=options["dry_run"]))
        words = "{purchases} purchases, {events} events deleted"
        self.stdout.write(json.dumps(counts) if options["json"] else words.format(**counts))
