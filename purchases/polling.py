"""What the result page shows while a person waits: asking Stripe within their patience, and how often."""

import re
from typing import Any

import structlog
from django.urls import reverse

from purchases.errors import PurchasesError
from purchases.fulfilment import Outcome, settle
from purchases.models import Purchase

log = structlog.get_logger(__name__)

# Seconds before each next question of the waiting page: a minute in all, then the person is told to go.
PAUSES = (1, 1, 2, 3, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5)
SESSION_ID = re.compile(r"cs_[A-Za-z0-9_]{4,250}\Z")

_STATES = {
    Purchase.Status.OPENING: "processing",
    Purchase.Status.OPEN: "processing",
    Purchase.Status.PROCESSING: "processing",
    Purchase.Status.CREDITED: "credited",
    Purchase.Status.FAILED: "failed",
    Purchase.Status.EXPIRED: "expired",
    Purchase.Status.REVIEW: "review",
}


def ask(purchase: Purchase, session_id: str, *, via: Purchase.Via) -> tuple[Purchase, Outcome | None]:
    """Settle while a person waits; return the purchase as it stands then, and what Stripe said of it.

    None where Stripe gave no answer in time: never a failure to the person.
    """
    if purchase.status == Purchase.Status.CREDITED:
        return purchase, Outcome.CREDITED
    try:
        settlement = settle(session_id, via=via, is_hurried=True)
    except PurchasesError as error:
        log.warning("not_settled_yet", purchase=str(purchase.uuid), via=via, error=str(error))
    else:
        if settlement.purchase is not None and settlement.purchase.pk == purchase.pk:
            return settlement.purchase, settlement.outcome
    return Purchase.objects.get(pk=purchase.pk), None


def state_of(purchase: Purchase, seen: Outcome | None) -> str:
    """The word for the page. `seen` is what Stripe has just said: open there means that nothing was paid yet."""
    return "unknown" if seen is Outcome.OPEN else _STATES[Purchase.Status(purchase.status)]


def pace(number: int) -> dict[str, Any]:
    """When the waiting page asks next, after `number` questions; `poll_after` None: it stops."""
    return {"poll_number": number, "poll_after": PAUSES[number] if number < len(PAUSES) else None}


def is_session_id(text: str) -> bool:
    """Whether `text` is shaped like a Checkout Session's id."""
    return SESSION_ID.match(text) is not None


def result_url(purchase: Purchase) -> str:
    """The result page of a purchase."""
    url = reverse("purchases:return", args=[purchase.uuid])
    return f"{url}?session_id={purchase.stripe_session_id}" if purchase.stripe_session_id else url
