"""Something to sell, and under DEBUG somebody to sign in as. Repeatable."""

import json
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand

from checkout.models import Tier

PASSWORD = "demo-password"  # noqa: S105  the demo's, printed on every start
TIERS: dict[str, dict[str, Any]] = {
    "starter": {"name": "Starter", "credits": 50, "bonus_credits": 0, "price_minor": 500, "order": 1},
    "plus": {"name": "Plus", "credits": 200, "bonus_credits": 20, "price_minor": 1800, "order": 2},
    "pro": {"name": "Pro", "credits": 400, "bonus_credits": 60, "price_minor": 3200, "order": 3},
}


class Command(BaseCommand):
    """Make what is missing; leave what is there, so that an operator's change of price survives."""

    help = "Make the tiers starter, plus and pro, and under DEBUG the users demo@ and admin@example.com."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--tiers-only", action="store_true", help="no users")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        made = {"tiers": self._tiers(), "users": 0}
        if settings.DEBUG and not options["tiers_only"]:
            made["users"] = self._users()
        if options["json"]:
            self.stdout.write(json.dumps(made))
        elif options["verbosity"]:
            self.stdout.write("{tiers} tiers and {users} users made".format(**made))

    def _tiers(self) -> int:
        made = [
            Tier.objects.get_or_create(slug=slug, defaults={"currency": "USD", **fields})[1]
            for slug, fields in TIERS.items()
        ]
        return sum(made)

    def _users(self) -> int:
        users = get_user_model().objects
        made = 0
        for email, create in {
            "demo@example.com": users.create_user,
            "admin@example.com": users.create_superuser,
        }.items():
            if not users.filter(email=email).exists():
                create(email, PASSWORD)
                made += 1
        return made
