"""The rows behind what went back: each refund and dispute by its id, in the latest state that Stripe told.

Belongs to the transaction of refunds.book(), which has locked the purchase.
"""

from datetime import datetime, timedelta

import structlog

from checkout.locks import database_now
from purchases.alerts import about, tell_staff
from purchases.models import Dispute, Purchase, Refund, StripeEvent
from purchases.stripe_gateway import Returns, StripeDispute, StripeRefund

log = structlog.get_logger(__name__)

Status = Refund.Status
# A refund on its way and a dispute under way are asked about daily, whether or not an event comes.
DAILY = timedelta(days=1)
# What was committed here and not answered yet is asked for again this soon.
SOON = timedelta(seconds=30)
# No dispute runs longer; one that Stripe calls by a name that we do not know is left alone then.
LONGEST_DISPUTE = timedelta(days=300)
CLOSED = ("won", "lost", "prevented", "warning_closed", "charge_refunded")
# What an event that could not be checked says is not believed over something later in a refund's life.
STAGES = (Status.PENDING, Status.REQUIRES_ACTION, Status.SUCCEEDED, Status.FAILED, Status.CANCELED)


def write_refund(purchase: Purchase, truth: StripeRefund, *, is_told: bool) -> bool:
    """Keep a refund as Stripe told it. `is_told`: by an event that could not be checked.

    Return whether it counted before and does not any more.
    """
    row = Refund.objects.filter(stripe_id=truth.id).first() or _asked_for(purchase, truth)
    if row is None:
        Refund.objects.create(
            purchase=purchase,
            stripe_id=truth.id,
            amount_minor=truth.amount_minor,
            status=truth.status[:30],
            created_at=truth.created_at,
        )
        return False
    if is_told and _stage(truth.status) < _stage(row.status):
        return False
    Refund.objects.filter(pk=row.pk).update(stripe_id=truth.id, status=truth.status[:30], error="")
    return row.counts and truth.status in (Status.FAILED, Status.CANCELED)


def write_dispute(purchase: Purchase, truth: StripeDispute, *, is_told: bool) -> None:
    """Keep a dispute as Stripe told it, and tell the operators of a new one."""
    row = Dispute.objects.filter(stripe_id=truth.id).first()
    if row is not None and is_told and row.status in CLOSED and truth.status not in CLOSED:
        return
    fields = {
        "amount_minor": truth.amount_minor,
        "taken_minor": _withdrawn(truth) if is_told or truth.taken_minor is None else truth.taken_minor,
        "status": truth.status[:40],
        "reason": truth.reason[:60],
    }
    if row is not None:
        Dispute.objects.filter(pk=row.pk).update(**fields)
        return
    Dispute.objects.create(purchase=purchase, stripe_id=truth.id, created_at=truth.created_at, **fields)
    log.error("disputed", purchase=str(purchase.uuid), dispute=truth.id, status=truth.status)
    tell_staff("disputed", key=truth.id, context={**about(purchase), "status": truth.status})


def refunded_minor(purchase: Purchase, truth: Returns) -> int:
    """What the refunds come to that count; what the charge says where Stripe did not list them."""
    is_listed = truth.has_every_refund and truth.refunds
    if truth.refunded_minor is not None and not is_listed:
        return truth.refunded_minor
    return sum(row.amount_minor for row in Refund.objects.filter(purchase=purchase) if row.counts)


def disputed_minor(purchase: Purchase) -> int:
    """What the disputes have withdrawn, less what was reinstated."""
    return sum(Dispute.objects.filter(purchase=purchase).values_list("taken_minor", flat=True))


def next_sync_at(purchase: Purchase) -> datetime | None:
    """When to ask again without being told; None where nothing is under way."""
    now = database_now()
    refunds = Refund.objects.filter(purchase=purchase)
    if refunds.filter(status=Status.ASKING).exists():
        return now + SOON
    disputes = Dispute.objects.filter(purchase=purchase, created_at__gt=now - LONGEST_DISPUTE)
    is_under_way = (
        refunds.filter(status__in=(Status.PENDING, Status.REQUIRES_ACTION)).exists()
        or disputes.exclude(status__in=CLOSED).exists()
    )
    return now + DAILY if is_under_way else None


def known_ids(model: type[Refund] | type[Dispute], purchase: Purchase) -> list[str]:
    """The Stripe ids of a purchase's refunds or disputes in our books."""
    known = model._default_manager.filter(purchase=purchase, stripe_id__isnull=False)
    return [str(stripe_id) for stripe_id in known.values_list("stripe_id", flat=True)]


def _asked_for(purchase: Purchase, truth: StripeRefund) -> Refund | None:
    """The row that was committed before this refund was asked for, where the answer was lost."""
    rows = Refund.objects.filter(purchase=purchase, stripe_id__isnull=True, amount_minor=truth.amount_minor)
    return next((row for row in rows if str(row.uuid) == truth.ours), None)


def _stage(status: str) -> int:
    return STAGES.index(Status(status)) if status in STAGES else -1


def _withdrawn(truth: StripeDispute) -> int:
    """Where Stripe lists no money for a dispute: what its state and its events say."""
    if truth.status.startswith("warning_") or truth.status in ("won", "prevented"):
        return 0
    events = StripeEvent.objects.filter(object_id=truth.id).values_list("type", flat=True)
    if "charge.dispute.funds_reinstated" in events:
        return 0
    is_gone = truth.status == "lost" or "charge.dispute.funds_withdrawn" in events
    return truth.amount_minor if is_gone else 0
