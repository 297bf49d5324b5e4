"""Early fraud warnings: what is left of the purchase is held until an operator has decided.

The holds have no end of their own: resolve() ends them.
"""

import structlog
from django.db import transaction
from django.db.models.functions import Now

from credits import spending
from credits.errors import HoldEnded
from purchases.alerts import about, tell_staff
from purchases.locks import lock_with_owner
from purchases.models import FraudWarning, Purchase
from purchases.stripe_gateway import StripeWarning

log = structlog.get_logger(__name__)

SCOPE = "purchases"


def note(purchase: Purchase, warning: StripeWarning) -> None:
    """Write a warning down and tell the operators, once. Belongs to the transaction that has locked the purchase."""
    _row, is_new = FraudWarning.objects.get_or_create(
        stripe_id=warning.id,
        defaults={
            "purchase": purchase,
            "fraud_type": warning.fraud_type[:60],
            "created_at": warning.created_at,
        },
    )
    if is_new:
        log.error("early_fraud_warning", purchase=str(purchase.uuid), warning=warning.id)
        tell_staff("fraud_warning", key=warning.id, context=about(purchase))


def hold(purchase: Purchase) -> None:
    """Hold what is left of a credited purchase for each of its open warnings that holds nothing yet."""
    for warning in FraudWarning.objects.filter(
        purchase=purchase, resolved_at__isnull=True, hold__isnull=True
    ).order_by("pk"):
        posting = spending.hold_purchase(
            source=purchase.stripe_session_id or "",
            scope=SCOPE,
            key=f"fraud:{warning.stripe_id}:{purchase.syncs_booked}",
            description=purchase.tier_name,
            actor="purchases:fraud",
        )
        if posting is not None and posting.hold is not None:
            FraudWarning.objects.filter(pk=warning.pk).update(hold=posting.hold)


def step_aside(purchase: Purchase) -> None:
    """Let go of what the warnings of a purchase hold, so that a claw-back finds its own credits first."""
    for warning in FraudWarning.objects.filter(purchase=purchase, hold__isnull=False).order_by("pk"):
        _release(warning, why="returned", actor="purchases:fraud")


def resolve(warning: FraudWarning, *, reason: str, actor: str) -> FraudWarning:
    """An operator has decided: what is held is free again. Repeating it changes nothing."""
    with transaction.atomic():
        lock_with_owner(warning.purchase_id)
        current = FraudWarning.objects.get(pk=warning.pk)
        if current.is_open:
            _release(current, why="resolved", actor=actor)
            FraudWarning.objects.filter(pk=current.pk).update(
                resolved_at=Now(), resolved_by=actor[:150], resolution=reason[:200]
            )
            log.info("fraud_warning_resolved", warning=current.stripe_id, actor=actor)
    return FraudWarning.objects.get(pk=warning.pk)


def _release(warning: FraudWarning, *, why: str, actor: str) -> None:
    if warning.hold is None:
        return
    key = f"fraud:{warning.stripe_id}:{warning.hold}:{why}"
    try:
        spending.release(hold=warning.hold, scope=SCOPE, key=key, actor=actor)
    except HoldEnded:
        log.warning("fraud_hold_had_ended", warning=warning.stripe_id, hold=str(warning.hold))
    FraudWarning.objects.filter(pk=warning.pk).update(hold=None)
