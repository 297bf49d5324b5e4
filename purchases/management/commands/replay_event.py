"""Handle a stored event again, by an operator's word."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from purchases import operators
from purchases.management.operating import OperatorCommand
from purchases.models import OperatorAction, StripeEvent
from purchases.operators import Deed


class Command(OperatorCommand):
    """With --yes, what the event speaks of is asked of Stripe again and booked."""

    help = "Replay a stored event. Without --yes it shows how it stands."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("event", metavar="EVT", help="its id at Stripe, evt_...")
        super().add_arguments(parser)

    def foresee(self, options: dict[str, Any]) -> dict[str, Any]:
        event = StripeEvent.objects.filter(event_id=options["event"]).first()
        if event is None:
            raise CommandError("No such event is stored.")
        options["event"] = event
        return {"event": event.event_id, "type": event.type, "state": event.state, "error": event.error}

    def act(self, options: dict[str, Any], deed: Deed) -> OperatorAction:
        return operators.replay(options["event"], deed=deed)
