"""End a payment page at Stripe, by an operator's word."""

from argparse import ArgumentParser
from typing import Any

from purchases import operators
from purchases.management.operating import OperatorCommand, add_purchase, purchase_named
from purchases.models import OperatorAction
from purchases.operators import Deed


class Command(OperatorCommand):
    """With --yes, nobody can pay on this page of Stripe's any more; one that was just paid is settled."""

    help = "Expire a purchase at Stripe. Without --yes it shows how it stands."

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_purchase(parser)
        super().add_arguments(parser)

    def foresee(self, options: dict[str, Any]) -> dict[str, Any]:
        purchase = options["purchase"] = purchase_named(options["purchase"])
        return {"purchase": str(purchase.uuid), "status": purchase.status}

    def act(self, options: dict[str, Any], deed: Deed) -> OperatorAction:
        return operators.expire(options["purchase"], deed=deed)
