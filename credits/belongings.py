"""Whose a hold or a spend is: the scope that made it. Only they end or reverse it through the API."""

import uuid

from credits.errors import UnknownHold, UnknownSpend
from credits.models import Hold, LedgerTransaction

_SPENDS = (LedgerTransaction.Kind.SPEND, LedgerTransaction.Kind.CAPTURE)


def check_hold(hold: uuid.UUID, *, scope: str) -> int:
    """Return the amount of a hold that this scope made. Raises UnknownHold for another's as for none."""
    amount = Hold.objects.filter(uuid=hold, transaction__scope=scope).values_list("amount", flat=True).first()
    if amount is None:
        raise UnknownHold(hold=hold)
    return amount


def check_spend(spend: uuid.UUID, *, scope: str) -> None:
    """Raise UnknownSpend unless this scope made that spend or capture."""
    if not LedgerTransaction.objects.filter(uuid=spend, scope=scope, kind__in=_SPENDS).exists():
        raise UnknownSpend(spend=spend)
