"""Expire and delete checkout sessions, as the beat does."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from checkout import cleaning


class Command(BaseCommand):
    """One pass, and how many it concerned."""

    help = "Expire checkout sessions whose time has passed; delete old ones that came to nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="count only, change nothing")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        run = cleaning.clean_up(dry_run=options["dry_run"])
        counts = {"expired": run.expired, "deleted": run.deleted}
        self.stdout.write(json.dumps(counts) if options["json"] else str(run))
