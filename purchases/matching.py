"""How one page of Stripe's paid sessions compares with our purchases and with the ledger. Reads only."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db.models import Q

from credits.granted import Granted, granted_for
from purchases import signed_metadata
from purchases.models import Purchase
from purchases.stripe_gateway import StripeSession

CREDITED = Purchase.Status.CREDITED


@dataclass(frozen=True, kw_only=True)
class Match:
    """A paid Checkout Session beside what we have of it."""

    session: StripeSession
    purchase: Purchase | None
    granted: Granted | None

    @property
    def is_credited(self) -> bool:
        return self.purchase is not None and self.purchase.status == CREDITED


def match(sessions: Sequence[StripeSession]) -> list[Match]:
    """Pair the sessions that are ours with their purchases and grants; a session that is not ours is left out."""
    named = {found.id: signed_metadata.purchase_id(found.metadata) for found in sessions}
    purchases = _purchases(
        Q(stripe_session_id__in=named) | Q(uuid__in=[uuid for uuid in named.values() if uuid])
    )
    by_session = {purchase.stripe_session_id: purchase for purchase in purchases}
    by_uuid = {purchase.uuid: purchase for purchase in purchases if purchase.stripe_session_id is None}
    granted = granted_for(list(named))
    matches = []
    for session in sessions:
        uuid = named[session.id]
        purchase = by_session.get(session.id) or (by_uuid.get(uuid) if uuid else None)
        if purchase or uuid or session.id in granted:
            matches.append(Match(session=session, purchase=purchase, granted=granted.get(session.id)))
    return matches


def difference(found: Match) -> str:
    """What is odd about a session that is paid and looked after, in words; "" where all three agree."""
    purchase, session, granted = found.purchase, found.session, found.granted
    if purchase is None:
        return "paid for a purchase of ours that is not there and cannot be rebuilt"
    if purchase.status != CREDITED:
        return f"paid, but the purchase is in {purchase.status}: {purchase.reason or 'no reason given'}"
    if granted is None:
        return "credited, but the ledger has no such purchase"
    pairs = {
        "credits": (purchase.total_credits, granted.amount),
        "owner": (purchase.owner_id or granted.user_id, granted.user_id),
        "currency": (purchase.currency, session.currency or purchase.currency),
        "amount": (
            purchase.amount_total,
            purchase.amount_total if session.amount_total is None else session.amount_total,
        ),
    }
    return "; ".join(
        f"{name}: {ours} here, {theirs} there" for name, (ours, theirs) in pairs.items() if ours != theirs
    )


def _purchases(wanted: Q) -> Iterable[Purchase]:
    return list(Purchase.objects.filter(wanted).defer("request", "stripe_url"))
