"""The proof's second half: what went back at Stripe is booked here in its latest state, and the reverse."""

from collections.abc import Sequence
from datetime import datetime

import structlog

from purchases import refunds, stripe_gateway
from purchases.errors import PurchasesError, StripeRefused, UnreadableAnswer
from purchases.findings import Findings
from purchases.models import Dispute, Purchase, Refund
from purchases.stripe_gateway import Return

log = structlog.get_logger(__name__)


def compare(proof: Findings, from_at: datetime, to_at: datetime) -> None:
    """Compare the refunds and disputes that were made in the window; what is not booked is synced.

    A key that may not list them, or a stand-in that has no such list, is logged and passed by.
    """
    seen: set[str] = set()
    try:
        for page in stripe_gateway.returns_created(from_at=from_at, to_at=to_at):
            seen.update(made.id for made in page.things)
            _compare_page(proof, page.things)
            for unread in page.unread:
                proof.odd += 1
                proof.find("odd", session="", purchase=None, what=f"{unread.id or 'a return'}: {unread.why}")
    except StripeRefused as error:
        log.warning("returns_not_listed", error=str(error))
    else:
        _look_back(proof, seen, from_at, to_at)


def _compare_page(proof: Findings, page: Sequence[Return]) -> None:
    purchases = _purchases_of(page)
    booked = _booked(page)
    for made in page:
        purchase = purchases.get(made.payment_intent)
        if purchase is None:
            continue
        proof.returned += 1
        if booked.get(made.id) != (made.status, made.amount_minor):
            proof.returned_missing += 1
            what = f"{made.kind} {made.id}: {made.status} at Stripe, here: {booked.get(made.id, ('unknown',))[0]}"
            proof.find("returned", session=purchase.stripe_session_id or "", purchase=purchase, what=what)
            _sync(purchase)
    booked = _booked(page)
    for made in page:
        purchase = purchases.get(made.payment_intent)
        if purchase is not None:
            _tally(proof, purchase, made, booked.get(made.id))


def _purchases_of(page: Sequence[Return]) -> dict[str, Purchase]:
    intents = {made.payment_intent for made in page if made.payment_intent}
    found = Purchase.objects.filter(payment_intent__in=intents).defer("request", "stripe_url")
    return {purchase.payment_intent or "": purchase for purchase in found}


def _booked(page: Sequence[Return]) -> dict[str, tuple[str, int]]:
    """Status and amount of each that our books know."""
    ids = [made.id for made in page]
    rows = [
        *Refund.objects.filter(stripe_id__in=ids).values_list("stripe_id", "status", "amount_minor"),
        *Dispute.objects.filter(stripe_id__in=ids).values_list("stripe_id", "status", "amount_minor"),
    ]
    return {str(stripe_id): (status, amount) for stripe_id, status, amount in rows}


def _sync(purchase: Purchase) -> None:
    try:
        refunds.sync(purchase, via=Purchase.Via.PROOF)
    except PurchasesError as error:
        log.warning("purchase_not_synced", purchase=str(purchase.uuid), error=str(error))
    except Exception:
        log.exception("purchase_not_synced", purchase=str(purchase.uuid))


def _tally(proof: Findings, purchase: Purchase, made: Return, booked: tuple[str, int] | None) -> None:
    total = proof.total(purchase.currency)
    total["returned"] += 1
    total["returned_minor"] += made.amount_minor
    if booked == (made.status, made.amount_minor):
        total["booked"] += 1
        total["booked_minor"] += booked[1]
        return
    proof.odd += 1
    what = f"{made.kind} {made.id} is {made.status} at Stripe and cannot be booked"
    proof.find("odd", session=purchase.stripe_session_id or "", purchase=purchase, what=what)


def _look_back(proof: Findings, seen: set[str], from_at: datetime, to_at: datetime) -> None:
    """Every refund and dispute in our books is one at Stripe. One that no list showed is asked about by itself."""
    window = {"stripe_id__isnull": False, "created_at__gte": from_at, "created_at__lt": to_at}
    rows: list[Refund | Dispute] = [
        *Refund.objects.filter(**window).select_related("purchase"),
        *Dispute.objects.filter(**window).select_related("purchase"),
    ]
    for row in rows:
        stripe_id = str(row.stripe_id)
        if stripe_id not in seen and (what := _not_at_stripe(row.purchase, stripe_id)):
            proof.odd += 1
            proof.find("odd", session=row.purchase.stripe_session_id or "", purchase=row.purchase, what=what)


def _not_at_stripe(purchase: Purchase, stripe_id: str) -> str:
    try:
        truth = stripe_gateway.returns_of(
            purchase.payment_intent or "", known_refunds=[stripe_id], known_disputes=[stripe_id], told={}
        )
    except UnreadableAnswer as error:
        return f"{stripe_id} is booked here, but {error}"
    known = {refund.id for refund in truth.refunds} | {dispute.id for dispute in truth.disputes}
    return "" if stripe_id in known else f"{stripe_id} is booked here, but Stripe does not know it"
