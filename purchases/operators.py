"""What operators may do by hand. Each deed needs a permission and a reason, and is written down before it is done.

Credits still take the one road: these verbs call settle(), refunds and the ledger, and decide nothing themselves.
"""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from django.conf import settings
from django.contrib.auth import get_user_model
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from credits import adjusting, gifts
from credits.errors import CreditsError
from credits.gifts import GiftKind
from purchases import comparison, fraud, fulfilment, inbox, refunds, stripe_gateway
from purchases.errors import AlreadyDone, NotAllowed, NotPossible, PurchasesError, StripeRefused
from purchases.models import FraudWarning, OperatorAction, Purchase, StripeEvent

log = structlog.get_logger(__name__)

Kind = OperatorAction.Kind
CAMPAIGNS = "campaigns"  # the scope of their keys
LONGEST_REASON = 500
PERMISSIONS: Mapping[str, str] = {
    Kind.SETTLE: "purchases.settle_purchase",
    Kind.REPLAY: "purchases.replay_stripeevent",
    Kind.EXPIRE: "purchases.expire_purchase",
    Kind.REFUND: "purchases.refund_purchase",
    Kind.RELEASE: "purchases.release_purchase",
    Kind.ADJUST: "purchases.adjust_credits",
    Kind.RESOLVE: "purchases.resolve_fraudwarning",
}


@dataclass(frozen=True, kw_only=True)
class Operator:
    """Who acts: a member of staff, or whoever may run commands on the server (`user` is None)."""

    user: Any
    name: str

    def may(self, kind: str) -> bool:
        """Whether this one has the permission for that kind of deed."""
        return self.user is None or _has_permission(self.user, PERMISSIONS[kind])

    def may_beyond_limit(self) -> bool:
        """Whether this one may adjust more than OPERATORS_ADJUST_LIMIT credits at once."""
        return self.user is None or _has_permission(self.user, "purchases.adjust_credits_beyond")


@dataclass(frozen=True, kw_only=True)
class Deed:
    """Why something is done, and the name of the form or command that asks: one deed for one `key`."""

    by: Operator
    reason: str
    key: uuid.UUID


def staff(user: Any) -> Operator:
    """A member of staff."""
    return Operator(user=user, name=f"staff:{user.pk}")


def person_named(name: str) -> Any:
    """The user of an e-mail address or a number, as operators type it; None where there is none."""
    name, people = name.strip(), get_user_model()._default_manager
    by = {"pk": int(name)} if name.isdecimal() and len(name) < 19 else {"email__iexact": name}
    return people.filter(**by).first()


def require(operator: Operator, kind: str, *, subject: str) -> None:
    """Raise NotAllowed where `operator` may not do that kind of deed; the log keeps that it was tried."""
    if not operator.may(kind):
        raise _refused(operator, kind, subject=subject, words=_("You may not do this."))


def settle_now(purchase: Purchase, *, deed: Deed) -> OperatorAction:
    """Ask Stripe and book what it says, of the payment and of what went back."""
    session_id = _session_id(purchase)
    with _written_down(Kind.SETTLE, deed, subject=f"purchase:{purchase.uuid}") as action:
        seen = fulfilment.settle(session_id, via=Purchase.Via.ADMIN)
        if seen.purchase is not None:
            refunds.sync(seen.purchase, via=Purchase.Via.ADMIN)
        action.outcome = seen.outcome.value
    return action


def settle_session(session_id: str, *, deed: Deed) -> fulfilment.Settlement:
    """The same for a Checkout Session that may be unknown here, by a command."""
    with _written_down(Kind.SETTLE, deed, subject=f"session:{session_id}"[:300]) as action:
        seen = fulfilment.settle(session_id, via=Purchase.Via.COMMAND)
        action.outcome = seen.outcome.value
    return seen


def replay(event: StripeEvent, *, deed: Deed) -> OperatorAction:
    """Handle a stored event again, whatever became of it before."""
    with _written_down(Kind.REPLAY, deed, subject=f"event:{event.event_id}") as action:
        action.outcome = inbox.handle(event, via=Purchase.Via.ADMIN).value
    return action


def expire(purchase: Purchase, *, deed: Deed) -> OperatorAction:
    """End the payment page at Stripe. Where it was just paid, it is settled instead."""
    session_id = _session_id(purchase)
    with _written_down(Kind.EXPIRE, deed, subject=f"purchase:{purchase.uuid}") as action:
        if purchase.status not in (Purchase.Status.OPENING, Purchase.Status.OPEN):
            raise NotPossible(
                _("It has no payment page that is open: it is %(status)s.")
                % {"status": purchase.get_status_display()}
            )
        try:
            truth = stripe_gateway.expire_session(session_id)
        except StripeRefused:
            action.outcome = fulfilment.settle(session_id, via=Purchase.Via.ADMIN).outcome.value
        else:
            action.outcome = fulfilment.book(purchase, truth, via=Purchase.Via.ADMIN).status
    return action


def refund(purchase: Purchase, *, amount_minor: int, deed: Deed) -> OperatorAction:
    """Refund a part or all of what was paid, and take its credits back."""
    _refuse_repeat(OperatorAction.objects.filter(uuid=deed.key).first())
    foreseen = refunds.preview(purchase, amount_minor=amount_minor)
    details = {"amount_minor": amount_minor, "currency": purchase.currency, "credits": foreseen.credits}
    with _written_down(Kind.REFUND, deed, subject=f"purchase:{purchase.uuid}", details=details) as action:
        made = refunds.refund(
            purchase, amount_minor=amount_minor, reason=deed.reason[:200], actor=deed.by.name, key=deed.key
        )
        action.outcome = (
            f"{made.status}: {made.amount_minor} {purchase.currency} {made.stripe_id or ''}".strip()
        )
    return action


def release(purchase: Purchase, *, accepted: str, deed: Deed) -> OperatorAction:
    """Credit a purchase in review to its owner, although it differs from Stripe in the way `accepted` says."""
    _session_id(purchase)
    if purchase.status != Purchase.Status.REVIEW:
        raise NotPossible(_("This purchase is not in review."))
    details = {"accepted": accepted, "credits": purchase.total_credits, "was": purchase.reason}
    with _written_down(Kind.RELEASE, deed, subject=f"purchase:{purchase.uuid}", details=details) as action:
        seen = fulfilment.release(purchase, accepted=accepted)
        action.outcome = f"{seen.status}: {seen.reason}" if seen.reason else seen.status
    return action


def adjust(user: Any, *, amount: int, deed: Deed) -> OperatorAction:
    """Give credits, or take them (a negative amount). Beyond OPERATORS_ADJUST_LIMIT it takes another permission."""
    subject = f"user:{user.pk}"
    _require_within_limit(abs(amount), deed.by, subject=subject)
    with _written_down(Kind.ADJUST, deed, subject=subject, details={"amount": amount}) as action:
        posting = adjusting.adjust(
            user=user,
            amount=amount,
            scope="operators",
            key=f"adjust:{deed.key}",
            reason=deed.reason,
            actor=deed.by.name,
        )
        action.outcome = f"{amount:+d}, now {posting.balance}"
    return action


def foresee_gifts(
    people: Sequence[Any],
    *,
    amount: int,
    kind: GiftKind,
    campaign: str,
    expires_at: datetime | None,
    by: Operator,
) -> int:
    """Return how many of `people` had a campaign's gift before. OPERATORS_ADJUST_LIMIT is what the others get together.

    Raises NotAllowed, AmountOutOfRange, LotRefused; NotPossible where that campaign gave something else before.
    """
    subject = f"campaign:{campaign}"
    before = OperatorAction.objects.filter(kind=Kind.ADJUST, subject=subject)
    terms = _terms(amount, kind, expires_at)
    if before.exclude(details__contains=terms).exclude(outcome__startswith="not done").exists():
        raise NotPossible(_("This campaign gave something else before: choose another name."))
    gifts.check_terms(amount=amount, expires_at=expires_at)
    require(by, Kind.ADJUST, subject=subject)
    had_it = gifts.given_before(people, scope=CAMPAIGNS, key=campaign)
    _require_within_limit(amount * (len(people) - had_it), by, subject=subject)
    return had_it


def give_each(
    people: Sequence[Any],
    *,
    amount: int,
    kind: GiftKind,
    campaign: str,
    expires_at: datetime | None = None,
    deed: Deed,
) -> OperatorAction:
    """Give everybody the same, each once for a campaign's name. Raises as foresee_gifts."""
    foresee_gifts(people, amount=amount, kind=kind, campaign=campaign, expires_at=expires_at, by=deed.by)
    details = {**_terms(amount, kind, expires_at), "people": len(people)}
    with _written_down(Kind.ADJUST, deed, subject=f"campaign:{campaign}", details=details) as action:
        seen = gifts.give_each(
            users=people,
            amount=amount,
            kind=kind,
            scope=CAMPAIGNS,
            key=campaign,
            description=campaign,
            expires_at=expires_at,
            actor=deed.by.name,
        )
        action.outcome = f"given {seen.given}, before {seen.given_before}, merged {seen.passed_over}"
    return action


def _terms(amount: int, kind: GiftKind, expires_at: datetime | None) -> dict[str, Any]:
    return {"amount": amount, "kind": kind, "expires_at": expires_at.isoformat() if expires_at else None}


def resolve_warning(warning: FraudWarning, *, deed: Deed) -> OperatorAction:
    """Let go of what an early fraud warning holds: somebody has looked."""
    with _written_down(Kind.RESOLVE, deed, subject=f"warning:{warning.stripe_id}") as action:
        seen = fraud.resolve(warning, reason=deed.reason, actor=deed.by.name)
        action.outcome = f"resolved by {seen.resolved_by}"
    return action


def comparison_of(purchase: Purchase) -> tuple[list[comparison.Compared], str]:
    """What we offered beside what Stripe says now, and the difference in the words that release() wants.

    Raises StripeUnavailable, StripeRefused, or NotPossible where there is nothing to release.
    """
    truth = stripe_gateway.retrieve_session(_session_id(purchase))
    if not truth.is_paid:
        raise NotPossible(_("Stripe says that it is not paid."))
    if purchase.owner_id is None:
        raise NotPossible(_("Its owner is gone: it can only be refunded."))
    return comparison.compared(purchase, truth), comparison.mismatch(purchase, truth)


def _session_id(purchase: Purchase) -> str:
    if purchase.stripe_session_id is None:
        raise NotPossible(_("This purchase was never opened at Stripe."))
    return purchase.stripe_session_id


@contextmanager
def _written_down(
    kind: str, deed: Deed, *, subject: str, details: Mapping[str, Any] | None = None
) -> Iterator[OperatorAction]:
    """Commit who does what and why, do it, and write how it ended."""
    require(deed.by, kind, subject=subject)
    if not deed.reason.strip():
        raise NotPossible(_("A reason is needed."))
    if len(deed.reason.strip()) > LONGEST_REASON:
        raise NotPossible(_("A reason has up to %(longest)s characters.") % {"longest": LONGEST_REASON})
    action, is_new = OperatorAction.objects.get_or_create(
        uuid=deed.key,
        defaults={
            "actor": deed.by.user,
            "actor_name": deed.by.name,
            "kind": kind,
            "subject": subject,
            "reason": deed.reason.strip(),
            "details": dict(details or {}),
        },
    )
    _refuse_repeat(None if is_new else action)
    try:
        yield action
    except (PurchasesError, CreditsError) as error:
        action.outcome = f"not done: {error}"
        raise
    except BaseException as error:
        action.outcome = f"broke off: {type(error).__name__}"
        raise
    finally:
        _finish(action)


def _require_within_limit(amount: int, by: Operator, *, subject: str) -> None:
    limit = settings.OPERATORS_ADJUST_LIMIT
    if amount > limit and not by.may_beyond_limit():
        words = _("You may adjust up to %(limit)s credits at once.") % {"limit": limit}
        raise _refused(by, Kind.ADJUST, subject=subject, words=words)


def _refused(operator: Operator, kind: str, *, subject: str, words: str) -> NotAllowed:
    log.warning("operator_refused", kind=kind, subject=subject, by=operator.name)
    return NotAllowed(words)


def _refuse_repeat(done: OperatorAction | None) -> None:
    if done is not None:
        raise AlreadyDone(_("This was done already: %(outcome)s") % {"outcome": done.outcome or "..."})


def _finish(action: OperatorAction) -> None:
    OperatorAction.objects.filter(pk=action.pk, outcome="").update(
        outcome=action.outcome[:300], finished_at=Now()
    )
    log.warning(
        "operator_acted",
        kind=action.kind,
        subject=action.subject,
        by=action.actor_name,
        outcome=action.outcome,
    )


def _has_permission(user: Any, permission: str) -> bool:
    return bool(user.is_active and user.is_staff and user.has_perm(permission))
