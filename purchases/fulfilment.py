"""settle(): the one road from a payment to its credits. Webhook, return page, sweep, command and admin all take it.

It asks Stripe for the truth, compares it with what was offered, and books it in one transaction. Any number of
callers at any time end the same: one grant, keyed by the Checkout Session.
"""

from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum

import psycopg
import structlog
from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from checkout import sessions
from checkout.models import LONGEST_DAYS
from credits import deposits
from credits.accounts import Holder
from credits.errors import KeyReused, SourceUsed
from outbox import messages
from purchases import (
    alerts,
    comparison,
    duplicates,
    rebuilding,
    refunds,
    rows,
    signed_metadata,
    stripe_gateway,
)
from purchases.locks import lock_owner_to_credit, lock_purchase
from purchases.models import Purchase
from purchases.stripe_gateway import StripeSession

log = structlog.get_logger(__name__)

Status = Purchase.Status
# A delayed debit may take two weeks; its checkout session must not be cleaned away meanwhile.
PROCESSING_DAYS = 14
# What Stripe says of a payment intent whose delayed payment did not come.
FAILED_INTENTS = ("requires_payment_method", "canceled")


class Outcome(StrEnum):
    """How a Checkout Session stands after settling. The values are those of Purchase.Status, and one more."""

    CREDITED = "credited"
    PROCESSING = "processing"
    OPEN = "open"
    FAILED = "failed"
    EXPIRED = "expired"
    REVIEW = "review"
    NOT_OURS = "not_ours"


@dataclass(frozen=True, kw_only=True)
class Settlement:
    """What settle() found. `purchase` is None for a session that is not ours."""

    outcome: Outcome
    purchase: Purchase | None


def settle(stripe_session_id: str, *, via: Purchase.Via, is_hurried: bool = False) -> Settlement:
    """Make our books say of this Checkout Session what Stripe says, exactly once.

    `via` is the net that asks (stored with the credit). `is_hurried`: a person waits, ask for 2.5 seconds at most.
    Raises StripeUnavailable (ask again), StripeRefused or UnknownAtStripe (no such session).
    Call it outside any transaction: it speaks to Stripe.
    """
    known = rows.one(Purchase, "stripe_session_id = %s", stripe_session_id)
    if known and known.status == Status.CREDITED:
        return Settlement(outcome=Outcome.CREDITED, purchase=known)
    truth = stripe_gateway.retrieve_session(stripe_session_id, is_hurried=is_hurried)
    purchase = known or _by_metadata(truth)
    if purchase is None:
        log.info("settle_not_ours", stripe_session=truth.id, via=via)
        return Settlement(outcome=Outcome.NOT_OURS, purchase=None)
    purchase = book(purchase, truth, via=via)
    if truth.has_returns and not is_hurried and purchase.status == Status.CREDITED:
        purchase = refunds.try_sync(purchase, via=via)
    return Settlement(outcome=Outcome(purchase.status), purchase=purchase)


def release(purchase: Purchase, *, accepted: str) -> Purchase:
    """Credit a purchase in review although Stripe's session differs, if it differs as `accepted` says and no more.

    `accepted` are the words of comparison.mismatch() that an operator has read. Nothing else is overridden: unpaid, a
    gone owner and a refusal of the ledger stay as they are. Raises as settle() does.
    """
    truth = stripe_gateway.retrieve_session(purchase.stripe_session_id or "")
    return book(purchase, truth, via=Purchase.Via.ADMIN, accepted=accepted)


def book(purchase: Purchase, truth: StripeSession, *, via: Purchase.Via, accepted: str = "") -> Purchase:
    """Write what Stripe said of `purchase` and return it as it stands then; `accepted`: see release().

    One transaction; locks user, checkout session, purchase, account. What another caller has credited meanwhile needs
    no lock: credited is an end.
    """
    try:
        return _book(purchase, truth, via=via, accepted=accepted)
    except IntegrityError as error:
        if not _is_of_another_purchase(error):
            raise
        log.error("payment_intent_of_two", purchase=str(purchase.uuid), payment_intent=truth.payment_intent)
        return _book(purchase, replace(truth, payment_intent=None), via=via, accepted=accepted)


def _is_of_another_purchase(error: IntegrityError) -> bool:
    """Whether the payment intent belongs to a purchase already. Stripe makes one a session; a stand-in may not."""
    cause = error.__cause__
    return (
        isinstance(cause, psycopg.Error)
        and cause.diag.constraint_name == "purchases_purchase_payment_intent_key"
    )


def _book(purchase: Purchase, truth: StripeSession, *, via: Purchase.Via, accepted: str) -> Purchase:
    with transaction.atomic():
        owner_id = lock_owner_to_credit(purchase.pk)
        if owner_id is None:
            seen = Purchase.objects.get(pk=purchase.pk)
            if seen.status == Status.CREDITED:
                return seen
        is_late = (truth.is_complete or truth.is_paid) and not _complete_session(purchase)
        purchase = lock_purchase(purchase.pk)
        before = purchase.status
        if before != Status.CREDITED:
            _record(purchase, truth)
            purchase.is_late = purchase.is_late or is_late
            _decide(purchase, truth, owner_id=owner_id, via=via, accepted=accepted)
    if purchase.status != before:
        level = log.error if purchase.status == Status.REVIEW else log.info
        level(
            "purchase_settled",
            purchase=str(purchase.uuid),
            stripe_session=truth.id,
            before=before,
            after=purchase.status,
            via=via,
            reason=purchase.reason,
        )
    return purchase


def _by_metadata(truth: StripeSession) -> Purchase | None:
    """Find a purchase whose Stripe id was not stored yet; rebuild one whose row is gone."""
    uuid = signed_metadata.purchase_id(truth.metadata)
    if uuid is None:
        return None
    found = Purchase.objects.filter(uuid=uuid).first()
    if found is None:
        return rebuilding.rebuild(truth)
    # Only the first session known to us is this purchase's; what another one was paid for, a person decides.
    return found if found.stripe_session_id in (None, truth.id) else rebuilding.second(truth)


def _complete_session(purchase: Purchase) -> bool:
    """Complete the checkout session and return whether it was alive: a payment for a dead or deleted one is late."""
    return purchase.checkout_session_id is not None and sessions.complete(purchase.checkout_session_id)


def _record(purchase: Purchase, truth: StripeSession) -> None:
    """Copy what Stripe knows. The ids are set once; a trigger refuses a change."""
    purchase.stripe_session_id = purchase.stripe_session_id or truth.id
    purchase.payment_intent = purchase.payment_intent or truth.payment_intent
    purchase.livemode = truth.livemode
    purchase.stripe_url = truth.url or purchase.stripe_url
    purchase.amount_subtotal = truth.amount_subtotal
    purchase.amount_discount = truth.amount_discount
    purchase.amount_tax = truth.amount_tax
    purchase.amount_total = truth.amount_total
    purchase.receipt_url = truth.receipt_url or purchase.receipt_url
    if truth.is_paid and purchase.status != Status.PROCESSING:
        # The charge of a delayed method is days older than its money; there the event's time counts (latency.py).
        purchase.paid_at = purchase.paid_at or truth.charged_at
    purchase.buyer_email = truth.buyer_email.strip().lower()[:254] or purchase.buyer_email


def _decide(
    purchase: Purchase, truth: StripeSession, *, owner_id: int | None, via: Purchase.Via, accepted: str
) -> None:
    """The state machine: paid beats every local state."""
    if truth.is_paid:
        difference = comparison.mismatch(purchase, truth)
        reason = difference if difference != accepted else ""
        reason = reason or ("owner_gone" if owner_id is None else "")
        if reason:
            _review(purchase, reason)
        else:
            _credit(purchase, truth, via=via)
    elif purchase.status == Status.REVIEW:
        _save(purchase)
    elif truth.is_complete and truth.payment_intent_status in FAILED_INTENTS:
        _fail(purchase)
    elif truth.is_complete:
        _keep_processing(purchase)
    elif truth.status == "expired":
        status = purchase.status if purchase.status == Status.FAILED else Status.EXPIRED
        _save(purchase, status=status, next_check_at=None)
    elif purchase.status == Status.OPENING:
        _save(purchase, status=Status.OPEN)
    else:
        _save(purchase)


def _review(purchase: Purchase, reason: str) -> None:
    is_new = purchase.status != Status.REVIEW
    _save(purchase, status=Status.REVIEW, reason=reason[:200], next_check_at=None)
    if is_new:
        alerts.tell_staff(
            "review", key=str(purchase.uuid), context={**alerts.about(purchase), "reason": purchase.reason}
        )
        messages.post_all(_announcement(purchase, "purchase.review", reason=purchase.reason))


def _credit(purchase: Purchase, truth: StripeSession, *, via: Purchase.Via) -> None:
    assert purchase.owner_id is not None, "a purchase without an owner goes to review"
    try:
        posting = deposits.grant(
            user=Holder(pk=purchase.owner_id),
            lots=_lots(purchase),
            kind="purchase",
            scope="purchases",
            key=f"purchase:{truth.id}",
            source=truth.id,
            purchase_ref=str(purchase.uuid),
            actor=f"purchases:{via}",
            reason=purchase.tier_name,
        )
    except (SourceUsed, KeyReused) as error:
        # The ledger has this payment already, for somebody or something else (a restored backup, say).
        _review(purchase, f"ledger: {error}")
        return
    if posting.added != purchase.total_credits:
        _report_difference(purchase, added=posting.added)
    purchase.status = Status.CREDITED
    refunds.take_back(purchase, via=via)
    _save(
        purchase,
        status=Status.CREDITED,
        reason="",
        credited_via=via,
        credited_at=Now(),
        credits_taken=purchase.credits_taken,
        is_duplicate=duplicates.flag_others(purchase),
        next_check_at=None,
        # What went back before it was credited, and nobody told us of.
        next_sync_at=Now() if truth.has_returns else purchase.next_sync_at,
    )
    messages.post_all(
        _letter(purchase, "purchase.credited", added=posting.added, debt_paid=posting.debt_paid),
        _announcement(
            purchase,
            "purchase.completed",
            account=str(posting.account),
            credits=purchase.credits,
            bonus_credits=purchase.bonus_credits,
            amount_minor=purchase.paid_minor,
        ),
    )


def _lots(purchase: Purchase) -> list[deposits.NewLot]:
    """The credits of the snapshot; what the whole purchase cost stands with the paid ones."""
    days = purchase.expires_after_days
    # A tier may have promised more before there was a limit.
    expires_after = timedelta(days=min(days, LONGEST_DAYS)) if days else None
    paid = deposits.NewLot(
        kind="paid",
        amount=purchase.credits,
        expires_after=expires_after,
        price_minor=purchase.paid_minor,
        currency=purchase.currency,
    )
    bonus = deposits.NewLot(
        kind="bonus",
        amount=purchase.bonus_credits,
        expires_after=expires_after,
        price_minor=0,
        currency=purchase.currency,
    )
    return [paid, bonus] if purchase.bonus_credits else [paid]


def _report_difference(purchase: Purchase, *, added: int) -> None:
    """The ledger granted another number than was frozen: never seen, and never to stay unseen."""
    log.error(
        "credits_not_as_expected",
        purchase=str(purchase.uuid),
        expected=purchase.total_credits,
        added=added,
    )


def _fail(purchase: Purchase) -> None:
    if purchase.status != Status.FAILED:
        _save(purchase, status=Status.FAILED, reason="payment_failed", next_check_at=None)
        _tell(purchase, "purchase.failed")


def _keep_processing(purchase: Purchase) -> None:
    if purchase.status == Status.FAILED:
        return
    is_new = purchase.status != Status.PROCESSING
    if purchase.checkout_session_id and is_new:
        sessions.hold_for_money(purchase.checkout_session_id, Now() + timedelta(days=PROCESSING_DAYS))
    _save(purchase, status=Status.PROCESSING)
    if is_new:
        _tell(purchase, "purchase.processing")


def _tell(purchase: Purchase, topic: str) -> None:
    messages.post_all(_letter(purchase, topic))


def _letter(purchase: Purchase, topic: str, **context: object) -> messages.NewMessage:
    return messages.NewMessage(
        topic=topic,
        key=f"{topic}:{purchase.uuid}",
        user_id=purchase.owner_id,
        fallback_address=purchase.buyer_email,
        context={
            "tier_name": purchase.tier_name,
            "reference": purchase.reference,
            "path": f"/purchases/{purchase.uuid}/",
            **context,
        },
    )


def _announcement(purchase: Purchase, topic: str, **data: object) -> messages.NewMessage:
    """For other back ends (outgoing webhooks); no letter belongs to it."""
    return messages.NewMessage(
        topic=topic,
        key=f"{topic}:{purchase.uuid}",
        user_id=purchase.owner_id,
        context={
            "purchase": str(purchase.uuid),
            "reference": purchase.reference,
            "tier": purchase.tier_slug,
            "currency": purchase.currency,
            **data,
        },
    )


RECORDED = (
    "stripe_session_id",
    "payment_intent",
    "livemode",
    "stripe_url",
    "amount_subtotal",
    "amount_discount",
    "amount_tax",
    "amount_total",
    "receipt_url",
    "paid_at",
    "buyer_email",
    "is_late",
)


def _save(purchase: Purchase, **fields: object) -> None:
    for name, value in fields.items():
        setattr(purchase, name, value)
    rows.write(purchase, [*RECORDED, *fields])
