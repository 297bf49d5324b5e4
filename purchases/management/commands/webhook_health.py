"""Whether webhooks arrive, by hand or by a monitor."""

import json
import sys
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand
from django.core.serializers.json import DjangoJSONEncoder

from purchases import webhook_health


class Command(BaseCommand):
    """Say how webhooks do and what Stripe thinks of our endpoint. Exit 1 where anything is off."""

    help = "Say how webhooks do and what Stripe thinks of our endpoint. Exit 1 where anything is off."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        health, endpoint = webhook_health.health(), webhook_health.endpoint_health()
        answer = {**asdict(health), "endpoint": asdict(endpoint)}
        off = [*health.alarms, *endpoint.problems]
        if options["json"]:
            self.stdout.write(json.dumps(answer, cls=DjangoJSONEncoder))
        else:
            self.stdout.write("\n".join(off) or "Webhooks are well.")
        if off:
            sys.exit(1)
