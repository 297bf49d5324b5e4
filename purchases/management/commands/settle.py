"""The one road, by hand."""

import json
import sys
import uuid
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from purchases import stripe_gateway
from purchases.errors import PurchasesError
from purchases.fulfilment import Outcome
from purchases.management.operating import operator_named
from purchases.models import Purchase
from purchases.operators import Deed, settle_session

FINE = (Outcome.CREDITED, Outcome.EXPIRED, Outcome.FAILED)


class Command(BaseCommand):
    """Ask Stripe about one payment and book what it says. Exit 1 unless it is settled now."""

    help = "Settle one payment: a Checkout Session (cs_...), a payment intent (pi_...) or a purchase's uuid."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("payment", metavar="CS_OR_PI_OR_UUID", help="any of these names")
        parser.add_argument("--reason", default="by hand", help="why; kept for ever, so no personal data")
        parser.add_argument("--as", dest="operator", metavar="EMAIL", help="staff whose permission counts")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            deed = Deed(by=operator_named(options["operator"]), reason=options["reason"], key=uuid.uuid4())
            settlement = settle_session(_session_id(options["payment"]), deed=deed)
        except (PurchasesError, CommandError) as error:
            if options["json"]:
                unknown = {"purchase": None, "state": "unknown", "via": None, "error": str(error)}
                self.stdout.write(json.dumps(unknown))
            raise CommandError(f"Not settled: {error}") from error
        purchase = settlement.purchase
        answer = {
            "purchase": str(purchase.uuid) if purchase else None,
            "state": settlement.outcome.value,
            "via": (purchase.credited_via if purchase else "") or None,
        }
        self.stdout.write(
            json.dumps(answer) if options["json"] else "{purchase}: {state} ({via})".format(**answer)
        )
        if settlement.outcome not in FINE:
            sys.exit(1)


def _session_id(payment: str) -> str:
    if payment.startswith("cs_"):
        return payment
    if payment.startswith("pi_"):
        known = Purchase.objects.filter(payment_intent=payment).first()
        if known and known.stripe_session_id:
            return known.stripe_session_id
        found = stripe_gateway.sessions_of_payment_intent(payment)
        if not found:
            raise CommandError(f"No Checkout Session belongs to {payment}.")
        return found[0].id
    try:
        known = Purchase.objects.filter(uuid=uuid.UUID(payment)).first()
    except ValueError as error:
        raise CommandError(f"{payment} is no Checkout Session, payment intent or purchase.") from error
    if known is None:
        raise CommandError(f"There is no purchase {payment}.")
    if known.stripe_session_id is None:
        raise CommandError(f"Purchase {payment} was never opened at Stripe (status: {known.status}).")
    return known.stripe_session_id
