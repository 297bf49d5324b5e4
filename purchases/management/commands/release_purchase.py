"""Credit a purchase in review, by an operator's word."""

from argparse import ArgumentParser
from typing import Any

from purchases import operators
from purchases.management.operating import OperatorCommand, add_purchase, purchase_named
from purchases.models import OperatorAction
from purchases.operators import Deed


class Command(OperatorCommand):
    """Show what was offered beside what Stripe says; with --yes, credit it all the same."""

    help = "Release a purchase from review. Without --yes it shows what differs."

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_purchase(parser)
        super().add_arguments(parser)

    def foresee(self, options: dict[str, Any]) -> dict[str, Any]:
        purchase = options["purchase"] = purchase_named(options["purchase"])
        compared, options["accepted"] = operators.comparison_of(purchase)
        return {
            "purchase": str(purchase.uuid),
            "credits": purchase.total_credits,
            "review": purchase.reason,
            "compared": {pair.name: [pair.here, pair.at_stripe] for pair in compared},
        }

    def act(self, options: dict[str, Any], deed: Deed) -> OperatorAction:
        return operators.release(options["purchase"], accepted=options["accepted"], deed=deed)
