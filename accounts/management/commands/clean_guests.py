"""Delete guests who came to nothing, as the beat does."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from accounts import cleaning


class Command(BaseCommand):
    """One pass, and how many it concerned."""

    help = "Delete guests of more than GUEST_DAYS ago who have no purchase, order, entry or hold."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="count only, change nothing")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        deleted = cleaning.delete_idle_guests(dry_run=options["dry_run"])
        self.stdout.write(json.dumps({"deleted": deleted}) if options["json"] else f"{deleted} deleted")
