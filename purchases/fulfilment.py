"""settle(): the one road from a payment to its credits. Webhook, return page, sweep, command and admin all take it.

It asks Stripe for the truth, compares it with what was offered, and books it in one transaction. Any number of
callers at any time end the same: one grant, keyed by the Checkout Session.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

import structlog
from django.db import transaction
from django.db.models.functions import Now

from checkout import sessions
from credits import deposits
from credits.errors import KeyReused, SourceUsed
from outbox import messages
from purchases import comparison, duplicates, rebuilding, signed_metadata, stripe_gateway
from purchases.locks import lock_owner, lock_purchase
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
    known = Purchase.objects.filter(stripe_session_id=stripe_session_id).first()
    if known and known.status == Status.CREDITED:
        return Settlement(outcome=Outcome.CREDITED, purchase=known)
    truth = stripe_gateway.retrieve_session(stripe_session_id, is_hurried=is_hurried)
    purchase = known or _by_metadata(truth)
    if purchase is None:
        log.info("settle_not_ours", stripe_session=truth.id, via=via)
        return Settlement(outcome=Outcome.NOT_OURS, purchase=None)
    purchase = book(purchase, truth, via=via)
    return Settlement(outcome=Outcome(purchase.status), purchase=purchase)


def book(purchase: Purchase, truth: StripeSession, *, via: Purchase.Via) -> Purchase:
    """Write what Stripe said of `purchase` and return it as it stands then.

    One transaction; locks user, checkout session, purchase, account.
    """
    with transaction.atomic():
        is_late = duplicates.is_late(purchase)
        owner_id = _lock_in_order(purchase, truth)
        purchase = lock_purchase(purchase.pk)
        before = purchase.status
        if before != Status.CREDITED:
            _record(purchase, truth)
            purchase.is_late = purchase.is_late or (truth.is_complete and is_late)
            _decide(purchase, truth, owner_id=owner_id, via=via)
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
    # Another session that names our purchase is not ours: only the first one known to us counts.
    return found if found.stripe_session_id in (None, truth.id) else None


def _lock_in_order(purchase: Purchase, truth: StripeSession) -> int | None:
    """Lock the owner, then the checkout session (completing it where Stripe's form is done)."""
    owner_id = purchase.owner_id
    for _attempt in range(3):
        is_there = lock_owner(owner_id)
        current = Purchase.objects.values_list("owner_id", flat=True).get(pk=purchase.pk)
        if current == owner_id:
            break
        owner_id = current  # a claim moved it while we waited for the old owner's lock
    if truth.is_complete and purchase.checkout_session_id:
        sessions.complete(purchase.checkout_session_id)
    return owner_id if is_there else None


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


def _decide(purchase: Purchase, truth: StripeSession, *, owner_id: int | None, via: Purchase.Via) -> None:
    """The state machine: paid beats every local state."""
    if truth.is_paid:
        reason = comparison.mismatch(purchase, truth) or ("owner_gone" if owner_id is None else "")
        if reason:
            _review(purchase, reason)
            return
        try:
            _credit(purchase, truth, via=via)
        except (SourceUsed, KeyReused) as error:
            # The ledger has this payment already, for somebody or something else (a restored backup, say).
            _review(purchase, f"ledger: {error}")
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
    _save(purchase, status=Status.REVIEW, reason=reason[:200], next_check_at=None)


def _credit(purchase: Purchase, truth: StripeSession, *, via: Purchase.Via) -> None:
    assert purchase.owner is not None, "a purchase without an owner goes to review"
    days = purchase.expires_after_days
    expires_after = timedelta(days=days) if days else None
    paid = deposits.NewLot(
        kind="paid",
        amount=purchase.credits,
        expires_after=expires_after,
        price_minor=purchase.price_minor if truth.amount_total is None else truth.amount_total,
        currency=purchase.currency,
    )
    bonus = deposits.NewLot(
        kind="bonus",
        amount=purchase.bonus_credits,
        expires_after=expires_after,
        price_minor=0,
        currency=purchase.currency,
    )
    posting = deposits.grant(
        user=purchase.owner,
        lots=[paid, bonus] if purchase.bonus_credits else [paid],
        kind="purchase",
        scope="purchases",
        key=f"purchase:{truth.id}",
        source=truth.id,
        purchase_ref=str(purchase.uuid),
        actor=f"purchases:{via}",
        reason=purchase.tier_name,
    )
    assert posting.added == purchase.total_credits, "the ledger granted what was frozen, no more and no less"
    _save(
        purchase,
        status=Status.CREDITED,
        reason="",
        credited_via=via,
        credited_at=Now(),
        is_duplicate=duplicates.flag_others(purchase),
        next_check_at=None,
    )
    _tell(purchase, "purchase.credited", added=posting.added)


def _fail(purchase: Purchase) -> None:
    if purchase.status != Status.FAILED:
        _save(purchase, status=Status.FAILED, reason="payment_failed", next_check_at=None)
        _tell(purchase, "purchase.failed")


def _keep_processing(purchase: Purchase) -> None:
    if purchase.status == Status.FAILED:
        return
    if purchase.checkout_session_id and purchase.status != Status.PROCESSING:
        sessions.hold_for_money(purchase.checkout_session_id, Now() + timedelta(days=PROCESSING_DAYS))
    _save(purchase, status=Status.PROCESSING)


def _tell(purchase: Purchase, topic: str, **context: object) -> None:
    messages.post(
        topic=topic,
        key=f"{topic}:{purchase.uuid}",
        user_id=purchase.owner_id,
        context={
            "tier_name": purchase.tier_name,
            "reference": purchase.reference,
            "path": f"/purchases/{purchase.uuid}/",
            **context,
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
    "is_late",
)


def _save(purchase: Purchase, **fields: object) -> None:
    for name, value in fields.items():
        setattr(purchase, name, value)
    purchase.save(update_fields=[*RECORDED, *fields])
