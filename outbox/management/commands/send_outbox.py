"""One pass of mails and outgoing webhooks."""

import json
import sys
from argparse import ArgumentParser
from contextlib import redirect_stdout
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand

from outbox import delivering, sending


class Command(BaseCommand):
    """Send what is due and say how many."""

    help = "Send the mails and make the outgoing webhook deliveries that are due."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        with redirect_stdout(
            sys.stderr
        ):  # where EMAIL_URL is the console, letters must not mix with the answer
            mails, webhooks = asdict(sending.send_due()), asdict(delivering.deliver_due())
        if options["json"]:
            self.stdout.write(json.dumps({**mails, "webhooks": webhooks}))
            return
        self.stdout.write("mails: {sent} sent, {dropped} dropped, {waiting} waiting".format(**mails))
        self.stdout.write(
            "webhooks: {delivered} delivered, {dropped} dropped, {waiting} waiting".format(**webhooks)
        )
