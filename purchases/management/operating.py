"""What the operators' commands share: a reason, somebody to answer for it, and nothing done without --yes."""

import getpass
import json
import sys
import uuid
from argparse import ArgumentParser
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError

from credits.errors import CreditsError
from purchases import operators
from purchases.errors import PurchasesError
from purchases.models import OperatorAction, Purchase
from purchases.operators import Deed, Operator


class OperatorCommand(BaseCommand):
    """A command that changes something by an operator's word. Without --yes it only shows what it would do: exit 1."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--reason", required=True, help="why; kept for ever, so no personal data")
        parser.add_argument("--as", dest="operator", metavar="EMAIL", help="staff whose permission counts")
        parser.add_argument("--yes", action="store_true", help="do it; without this it is only shown")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def foresee(self, options: dict[str, Any]) -> dict[str, Any]:
        """What would be done, as it is shown."""
        raise NotImplementedError

    def act(self, options: dict[str, Any], deed: Deed) -> OperatorAction:
        """Do it."""
        raise NotImplementedError

    def handle(self, *args: Any, **options: Any) -> None:
        by = operator_named(options["operator"])
        try:
            shown = self.foresee(options)
            if not options["yes"]:
                self._say({**shown, "done": False}, options)
                self.stderr.write("Nothing was done. Add --yes to do it.")
                sys.exit(1)
            action = self.act(options, Deed(by=by, reason=options["reason"], key=uuid.uuid4()))
        except (PurchasesError, CreditsError, CommandError) as error:
            if options["json"]:
                self._say({"done": False, "error": str(error)}, options)
            raise error if isinstance(error, CommandError) else CommandError(f"Not done: {error}") from error
        self._say({**shown, "done": True, "outcome": action.outcome, "action": str(action.uuid)}, options)

    def _say(self, answer: dict[str, Any], options: dict[str, Any]) -> None:
        lines = "\n".join(f"{name}: {value}" for name, value in answer.items())
        self.stdout.write(json.dumps(answer) if options["json"] else lines)


def operator_named(email: str | None) -> Operator:
    """The member of staff, else whoever runs the command."""
    if email is None:
        return Operator(user=None, name=f"command:{getpass.getuser()}"[:100])
    user = (
        get_user_model()._default_manager.filter(email__iexact=email, is_staff=True, is_active=True).first()
    )
    if user is None:
        raise CommandError("No active member of staff has this address.")
    return operators.staff(user)


def add_purchase(parser: ArgumentParser) -> None:
    """The argument that purchase_named() takes."""
    words = "a Checkout Session (cs_...), a payment intent (pi_...) or a purchase's uuid"
    parser.add_argument("purchase", metavar="CS_OR_PI_OR_UUID", help=words)


def purchase_named(name: str) -> Purchase:
    """The purchase of a uuid, a Checkout Session or a payment intent."""
    by = (
        "stripe_session_id"
        if name.startswith("cs_")
        else "payment_intent"
        if name.startswith("pi_")
        else "uuid"
    )
    try:
        found = Purchase.objects.filter(**{by: uuid.UUID(name) if by == "uuid" else name}).first()
    except ValueError as error:
        raise CommandError(f"{name} is no Checkout Session, payment intent or purchase.") from error
    if found is None:
        raise CommandError(f"There is no purchase {name}.")
    return found
