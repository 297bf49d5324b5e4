"""Money that went back takes its credits back: sync() asks Stripe and books, refund() makes one, preview() foresees.

What is booked is a state, not a step: all refunds and disputes of a purchase as they stand now decide how many of its
credits are taken. Any order of Stripe's events and any number of repeats ends the same.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from django.db import transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from credits import deposits
from credits.balances import balance_of
from outbox import messages
from purchases import alerts, fraud, returned, stripe_gateway
from purchases.errors import PurchasesError, RefundNotPossible, RefundRefused, StripeRefused
from purchases.locks import lock_with_owner
from purchases.models import Dispute, Purchase, Refund
from purchases.stripe_gateway import Returns, StripeRefund

log = structlog.get_logger(__name__)


def sync(purchase: Purchase, *, via: Purchase.Via, told: Mapping[str, Any] | None = None) -> Purchase:
    """Make our books say of refunds, disputes and warnings what Stripe says, and take or give back the credits.

    `told` is the object of the event that brought us here; it is believed where Stripe cannot be asked about it.
    Raises StripeUnavailable (ask again). Call it outside any transaction: it speaks to Stripe.
    """
    if purchase.payment_intent is None:
        return purchase
    number = _take_number(purchase)
    truth = stripe_gateway.returns_of(
        purchase.payment_intent,
        known_refunds=returned.known_ids(Refund, purchase),
        known_disputes=returned.known_ids(Dispute, purchase),
        told=told or {},
    )
    return book(purchase, truth, number=number, via=via)


def book(purchase: Purchase, truth: Returns, *, number: int, via: Purchase.Via) -> Purchase:
    """Write what Stripe said in answer to question `number`, and reach the state that follows from it.

    One transaction; locks user, purchase, account. An answer to an older question than one booked already is dropped:
    the later question was asked after whatever this one was asked for.
    """
    with transaction.atomic():
        purchase = lock_with_owner(purchase.pk)
        if purchase.syncs_booked >= number:
            return purchase
        purchase.syncs_booked = number
        fallen = [
            refund
            for refund in truth.refunds
            if returned.write_refund(purchase, refund, is_told=refund.id in truth.told)
        ]
        for dispute in truth.disputes:
            returned.write_dispute(purchase, dispute, is_told=dispute.id in truth.told)
        for warning in truth.warnings:
            fraud.note(purchase, warning)
        purchase.refunded_minor = returned.refunded_minor(purchase, truth)
        purchase.disputed_minor = returned.disputed_minor(purchase)
        purchase.next_sync_at = returned.next_sync_at(purchase)
        take_back(purchase, via=via)
        purchase.save(
            update_fields=[
                "syncs_booked",
                "refunded_minor",
                "disputed_minor",
                "next_sync_at",
                "credits_taken",
            ]
        )
        _tell(purchase)
        for refund in fallen:
            _tell_failed(purchase, refund)
    return purchase


def take_back(purchase: Purchase, *, via: Purchase.Via) -> None:
    """Let a credited purchase hold what its refunds and disputes leave it. Sets credits_taken, for the caller to save.

    Belongs to the transaction that has locked the purchase. Before the first sync nothing is known to take.
    """
    if purchase.status != Purchase.Status.CREDITED or not purchase.syncs_booked:
        return
    taken = credits_for(purchase, returned_minor=purchase.returned_minor)
    if taken != purchase.credits_taken:
        fraud.step_aside(purchase)
        deposits.claw_back(
            source=purchase.stripe_session_id or "",
            returned_minor=purchase.returned_minor,
            paid_minor=purchase.paid_minor,
            scope="purchases",
            key=f"returned:{purchase.uuid}:{purchase.syncs_booked}",
            actor=f"purchases:{via}",
            reason=purchase.tier_name,
            metadata={"refunded_minor": purchase.refunded_minor, "disputed_minor": purchase.disputed_minor},
        )
        log.info(
            "credits_taken_back",
            purchase=str(purchase.uuid),
            before=purchase.credits_taken,
            after=taken,
            refunded_minor=purchase.refunded_minor,
            disputed_minor=purchase.disputed_minor,
            via=via,
        )
        purchase.credits_taken = taken
    fraud.hold(purchase)


def credits_for(purchase: Purchase, *, returned_minor: int) -> int:
    """How many credits are taken when so much went back: each lot's share, rounded down in the buyer's favour."""
    paid = purchase.paid_minor
    if paid <= 0:
        return 0
    returned = min(paid, returned_minor)
    return purchase.credits * returned // paid + purchase.bonus_credits * returned // paid


def refund(
    purchase: Purchase, *, amount_minor: int, reason: str, actor: str, key: uuid.UUID | None = None
) -> Refund:
    """Refund `amount_minor` of what was paid, at Stripe, and take the credits back. Returns the refund as it stands.

    The same `key` (a form carries one against the double click) is the same refund. Where Stripe gives no answer it
    stays `asking` and the sweep asks again, with the same idempotency key.
    Raises RefundNotPossible (nothing was asked), RefundRefused (definite) or StripeUnavailable (it is asked again).
    """
    asked = _commit(purchase, amount_minor=amount_minor, reason=reason, actor=actor, key=key or uuid.uuid4())
    if asked.status == Refund.Status.ASKING:
        asked = _ask(asked)
    if asked.status == Refund.Status.REFUSED:
        raise RefundRefused(refund=asked.uuid, error=asked.error)
    return asked


@dataclass(frozen=True, kw_only=True)
class Preview:
    """What refunding so much would do now. `debt` is what the buyer would owe that is not owed yet."""

    amount_minor: int
    most_minor: int
    credits: int
    debt: int
    balance_before: int
    balance_after: int


def preview(purchase: Purchase, *, amount_minor: int) -> Preview:
    """Foresee a refund: it is booked for real and rolled back, so that nothing is left of it but log lines that say so.

    Raises RefundNotPossible.
    """
    with transaction.atomic(), structlog.contextvars.bound_contextvars(rolled_back=True):
        purchase = lock_with_owner(purchase.pk)
        _refuse_impossible(purchase, amount_minor)
        before = purchase.credits_taken
        old = balance_of(purchase.owner) if purchase.owner else None
        purchase.refunded_minor += amount_minor
        purchase.syncs_booked += 1
        take_back(purchase, via=Purchase.Via.ADMIN)
        new = balance_of(purchase.owner) if purchase.owner else None
        transaction.set_rollback(True)
    return Preview(
        amount_minor=amount_minor,
        most_minor=purchase.paid_minor - purchase.refunded_minor + amount_minor,
        credits=purchase.credits_taken - before,
        debt=new.debt - old.debt if old and new else 0,
        balance_before=old.available if old else 0,
        balance_after=new.available if new else 0,
    )


def catch_up(purchase: Purchase) -> Purchase:
    """What the sweep does for a purchase whose time has come: sync, and ask again for a refund without an answer.

    Raises StripeUnavailable.
    """
    purchase = sync(purchase, via=Purchase.Via.SWEEP)
    # Only what Stripe has just shown not to have is asked for: an old idempotency key may be forgotten there.
    asking = Refund.objects.filter(purchase=purchase, status=Refund.Status.ASKING)
    for asked in asking.select_related("purchase"):
        _ask(asked)
    return Purchase.objects.get(pk=purchase.pk)


def try_sync(purchase: Purchase, *, via: Purchase.Via) -> Purchase:
    """As sync(), for a caller that has other things to do: where Stripe gives no answer the sweep asks again."""
    try:
        return sync(purchase, via=via)
    except PurchasesError as error:
        log.warning("not_synced_yet", purchase=str(purchase.uuid), error=str(error))
        Purchase.objects.filter(pk=purchase.pk).update(next_sync_at=Now())
        return Purchase.objects.get(pk=purchase.pk)


def _commit(purchase: Purchase, *, amount_minor: int, reason: str, actor: str, key: uuid.UUID) -> Refund:
    """Commit the refund that Stripe is to be asked for; the same `key` finds the one there is."""
    with transaction.atomic():
        purchase = lock_with_owner(purchase.pk)
        known = Refund.objects.filter(uuid=key).first()
        if known is not None:
            if (known.purchase_id, known.amount_minor) != (purchase.pk, amount_minor):
                raise RefundNotPossible(_("This form was used for another refund. Load it anew."))
            return known
        _refuse_impossible(purchase, amount_minor)
        Purchase.objects.filter(pk=purchase.pk).update(next_sync_at=Now() + returned.SOON)
        refund = Refund.objects.create(
            purchase=purchase,
            uuid=key,
            amount_minor=amount_minor,
            status=Refund.Status.ASKING,
            reason=reason[:200],
            actor=actor[:150],
        )
    log.info("refund_asking", purchase=str(purchase.uuid), refund=str(refund.uuid), actor=actor)
    return refund


def _refuse_impossible(purchase: Purchase, amount_minor: int) -> None:
    if purchase.payment_intent is None:
        raise RefundNotPossible(_("Nothing was paid for this purchase, so there is nothing to refund."))
    rows = list(Refund.objects.filter(purchase=purchase))
    if any(row.status == Refund.Status.ASKING for row in rows):
        raise RefundNotPossible(_("A refund of this purchase is being made at this moment."))
    # A refund that was answered a moment ago counts, though its sync is not booked yet.
    counted = sum(row.amount_minor for row in rows if row.counts)
    on_its_way = sum(row.amount_minor for row in rows if row.status == Refund.Status.REQUIRES_ACTION)
    most = purchase.paid_minor - max(purchase.refunded_minor, counted) - on_its_way
    if not 1 <= amount_minor <= most:
        raise RefundNotPossible(_("From 1 to %(most)d can be refunded (smallest units).") % {"most": most})


def _ask(refund: Refund) -> Refund:
    """Ask Stripe for a committed refund; safe to repeat, its uuid is the idempotency key."""
    purchase = refund.purchase
    try:
        made = stripe_gateway.create_refund(
            purchase.payment_intent or "",
            amount_minor=refund.amount_minor,
            ours=str(refund.uuid),
            purchase=str(purchase.uuid),
        )
    except StripeRefused as error:
        # Replayed by Stripe under this key. A 500 may have acted: sync finds a refund that names our uuid.
        _still_asking(refund).update(status=Refund.Status.REFUSED, error=str(error)[:200])
        log.error("refund_refused", refund=str(refund.uuid), code=error.code, status=error.status)
    else:
        _still_asking(refund).update(stripe_id=made.id, status=made.status[:30])
    try_sync(purchase, via=Purchase.Via.ADMIN)
    return Refund.objects.select_related("purchase").get(pk=refund.pk)


def _still_asking(refund: Refund) -> QuerySet[Refund]:
    return Refund.objects.filter(pk=refund.pk, status=Refund.Status.ASKING)


def _take_number(purchase: Purchase) -> int:
    """The number of a question that is about to be asked: a later question has a higher one."""
    with transaction.atomic():
        Purchase.objects.filter(pk=purchase.pk).update(syncs_asked=F("syncs_asked") + 1)
        return Purchase.objects.values_list("syncs_asked", flat=True).get(pk=purchase.pk)


def _tell(purchase: Purchase) -> None:
    """Write to the buyer, once for each refund that counts; where Stripe names none, once for each sum."""
    counted = [row for row in Refund.objects.filter(purchase=purchase).order_by("pk") if row.counts]
    for refund in counted:
        _post(purchase, "purchase.refunded", about=refund.stripe_id or "", amount_minor=refund.amount_minor)
    if purchase.refunded_minor and not counted:
        about = f"{purchase.uuid}:{purchase.refunded_minor}"
        _post(purchase, "purchase.refunded", about=about, amount_minor=purchase.refunded_minor)


def _tell_failed(purchase: Purchase, refund: StripeRefund) -> None:
    """The buyer was told of money that does not come, and somebody must find another way for it."""
    _post(purchase, "purchase.refund_failed", about=refund.id, amount_minor=refund.amount_minor)
    alerts.tell_staff("refund_failed", key=refund.id, context={**alerts.about(purchase), "refund": refund.id})
    log.error("refund_failed", purchase=str(purchase.uuid), refund=refund.id, status=refund.status)


def _post(purchase: Purchase, topic: str, *, about: str, amount_minor: int) -> None:
    messages.post(
        topic=topic,
        key=f"{topic}:{about}",
        user_id=purchase.owner_id,
        fallback_address=purchase.buyer_email,
        context={
            "purchase": str(purchase.uuid),
            "refund": about,
            "tier_name": purchase.tier_name,
            "reference": purchase.reference,
            "path": f"/purchases/{purchase.uuid}/",
            "amount_minor": amount_minor,
            "currency": purchase.currency,
            "credits_taken": purchase.credits_taken,
        },
    )
