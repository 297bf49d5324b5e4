"""Give or take credits, by an operator's word."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from credits.balances import balance_of
from purchases import operators
from purchases.management.operating import OperatorCommand
from purchases.models import OperatorAction
from purchases.operators import Deed


class Command(OperatorCommand):
    """Show the balance before and after; with --yes, adjust it."""

    help = "Adjust somebody's credits (-- -20 takes twenty). Without --yes it shows what would happen."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("user", metavar="EMAIL_OR_ID", help="whose credits")
        parser.add_argument("amount", type=int, help="how many; below 0 they are taken")
        super().add_arguments(parser)

    def foresee(self, options: dict[str, Any]) -> dict[str, Any]:
        user = options["user"] = operators.person_named(options["user"])
        if user is None:
            raise CommandError("There is no such user.")
        available = balance_of(user).available
        change = {"amount": options["amount"], "available": available}
        return {"user": user.pk, **change, "available_then": available + options["amount"]}

    def act(self, options: dict[str, Any], deed: Deed) -> OperatorAction:
        return operators.adjust(options["user"], amount=options["amount"], deed=deed)
