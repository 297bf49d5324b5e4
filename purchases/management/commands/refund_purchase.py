"""Refund a purchase in full or part, by an operator's word."""

from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from purchases import operators, refunds
from purchases.management.operating import OperatorCommand, add_purchase, purchase_named
from purchases.models import OperatorAction
from purchases.operators import Deed


class Command(OperatorCommand):
    """Show the credits that a refund takes; with --yes, make it."""

    help = "Refund a purchase in full or part. Without --yes it shows what would happen."

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_purchase(parser)
        parser.add_argument("--amount", type=int, help="in the smallest unit; without it all that is left")
        super().add_arguments(parser)

    def foresee(self, options: dict[str, Any]) -> dict[str, Any]:
        purchase = options["purchase"] = purchase_named(options["purchase"])
        if options["amount"] is None:
            options["amount"] = purchase.paid_minor - purchase.refunded_minor
        foreseen = refunds.preview(purchase, amount_minor=options["amount"])
        return {"purchase": str(purchase.uuid), "currency": purchase.currency, **asdict(foreseen)}

    def act(self, options: dict[str, Any], deed: Deed) -> OperatorAction:
        return operators.refund(options["purchase"], amount_minor=options["amount"], deed=deed)
