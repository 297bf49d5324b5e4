"""The verbs of a checkout session: one active session per person, and nobody is locked out by a dead one.

Each verb locks the owner first, then the session, and decides by the database's clock.
"""

import uuid
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.db import connection, transaction
from django.db.models import Q
from django.db.models.expressions import Combinable
from django.db.models.functions import Greatest, Now

from checkout import batches, locks
from checkout.ending import end
from checkout.errors import CheckoutError, RecoveryNeedsConsent, SessionNotActive, TierNotSold
from checkout.journal import log_move
from checkout.models import CheckoutSession, Tier

Status = CheckoutSession.Status
EndReason = CheckoutSession.EndReason
# Stripe wants a payment page to live 30 minutes at least (docs.stripe.com/api/checkout/sessions/create): with
# less than this left, a session is replaced when its page is opened, so that nobody reviews what cannot be paid.
LITTLE_TIME = timedelta(minutes=35)
Person = AbstractBaseUser | AnonymousUser
Recovery = CheckoutSession | CheckoutError
TERMS = ("tier_id", "credits", "bonus_credits", "price_minor", "currency", "expires_after_days")


def start(*, owner: Person, tier: Tier) -> CheckoutSession:
    """Return the owner's one active session for `tier`: the one there is, or a new one in its place.

    Any number of calls at once end with one active session. Raises TierNotSold.
    """
    with transaction.atomic():
        assert owner.pk is not None, "somebody buys; a visitor is sent to the sign-in before"
        locks.lock_owner(owner.pk)
        return _started(owner.pk, _offer(tier.pk, tier.slug))


def renew(*, session: CheckoutSession, tier: Tier) -> CheckoutSession:
    """Change the wish to another tier: the owner's active session is replaced, linked by `renewed_from`.

    Raises TierNotSold, or SessionNotActive where the session is completed.
    """
    with transaction.atomic():
        locks.lock_owner(session.owner_id)
        current = locks.lock_session(session.pk)
        if current is not None and current.is_completed:
            raise SessionNotActive(current.pk)
        return _started(session.owner_id, _offer(tier.pk, tier.slug))


def recover(*, session: CheckoutSession, accept_price_minor: int | None = None) -> CheckoutSession:
    """Return what a session leads to: itself where completed or payable, its owner's live one, or a new one.

    A new one has the same tier and terms. Where they changed, raises RecoveryNeedsConsent unless
    `accept_price_minor` is today's price; where the tier is gone, TierNotSold.
    """
    with transaction.atomic():
        locks.lock_owner(session.owner_id)
        # What was past its time stays expired, also where no new session comes of it: raise after the commit.
        outcome = _recovered(session, accept_price_minor=accept_price_minor)
    if isinstance(outcome, CheckoutSession):
        return outcome
    raise outcome


def cancel(*, session: CheckoutSession) -> CheckoutSession:
    """End a session at its owner's wish and return it as it stands; one that is over stays what it is."""
    with transaction.atomic():
        locks.lock_owner(session.owner_id)
        current = locks.lock_session(session.pk)
        if current is None:
            raise SessionNotActive(session.pk)
        if current.is_active:
            end(current, Status.INVALIDATED, EndReason.CANCELLED)
        return current


def complete(session_id: uuid.UUID) -> bool:
    """Mark a session completed, whatever it was: Stripe's form is done. Return whether it was alive till then.

    For settling only, inside its transaction and after its lock on the owner. A repeat changes nothing.
    """
    assert connection.in_atomic_block, "complete() belongs to the transaction that books the payment"
    with connection.cursor() as cursor:
        cursor.execute(locks.LOCK_AND_COMPLETE, [session_id])
        row = cursor.fetchone()
    if row is None:  # completed before, or gone
        return CheckoutSession.objects.filter(pk=session_id).exists()
    owner_id, before = row
    session = CheckoutSession(pk=session_id, owner_id=owner_id, status=Status.COMPLETED)
    log_move(session, before=before, reason="form_complete")
    return bool(before == Status.ACTIVE)


def lock_for_payment(session_id: uuid.UUID, *, at_least: timedelta) -> CheckoutSession:
    """Lock a session that can be paid and has `at_least` that long to live, renewing it where it has less.

    For opening a payment, inside its transaction and after its lock on the owner. Raises SessionNotActive;
    RecoveryNeedsConsent or TierNotSold where it must be renewed and cannot be on the same terms.
    """
    assert connection.in_atomic_block, "a lock lasts as long as the transaction around it"
    session = locks.lock_session(session_id)
    now = locks.database_now()
    if session is None or not session.is_active or session.has_expired(now=now):
        raise SessionNotActive(session_id)
    if session.expires_at - now >= at_least:
        return session
    tier = _offer(session.tier_id, session.tier_slug)
    if not _has_terms_of(session, tier):
        raise RecoveryNeedsConsent(session, tier)
    return _replaced(session, tier, EndReason.LITTLE_TIME, now=now)


def hold_for_money(session_id: uuid.UUID, until: datetime | Combinable) -> None:
    """Keep a session from the clean-up: a payment may arrive until then. The later of two calls wins."""
    later = Greatest("money_until", until)  # of PostgreSQL: a null counts as nothing
    CheckoutSession.objects.filter(pk=session_id).update(money_until=later)


def session_of(owner: Person, session_id: uuid.UUID) -> CheckoutSession | None:
    """Find a session of this person; None for another's, the same as for an unknown one."""
    return CheckoutSession.objects.filter(pk=session_id, owner_id=owner.pk).first()


def is_payable(session: CheckoutSession) -> bool:
    """Whether a session's page can be shown: it is active and leaves the time that a payment takes."""
    return session.is_active and session.expires_at - locks.database_now() >= LITTLE_TIME


def active_session_of(owner: Person, *, now: datetime | None = None) -> CheckoutSession | None:
    """Find the session that this person can still pay, by the database's clock."""
    found = CheckoutSession.objects.filter(owner_id=owner.pk, status=Status.ACTIVE).first()
    if found is None or found.has_expired(now=now or locks.database_now()):
        return None
    return found


def expire_due(*, limit: int = 1000, dry_run: bool = False) -> int:
    """Expire every active session whose time has passed and return how many; those locked by others wait.

    `limit` is the size of a batch at most: each is a transaction of its own, so that nobody waits long, until none
    is left. `dry_run` only counts.
    """
    due = CheckoutSession.objects.filter(status=Status.ACTIVE, expires_at__lte=Now())
    if dry_run:
        return due.count()
    return batches.until_none_is_left(batches.expire, due, order_by="expires_at", limit=limit)


def delete_old(*, limit: int = 1000, dry_run: bool = False) -> int:
    """Delete sessions that began CHECKOUT_RETENTION_DAYS ago and came to nothing, and return how many.

    Never a completed or a live one, and none before its `money_until`. The rest is as in expire_due().
    """
    age = timedelta(days=settings.CHECKOUT_RETENTION_DAYS)
    old = (
        CheckoutSession.objects.filter(created_at__lte=Now() - age)
        .exclude(status=Status.COMPLETED)
        .exclude(status=Status.ACTIVE, expires_at__gt=Now())
        .filter(Q(money_until__isnull=True) | Q(money_until__lte=Now()))
    )
    if dry_run:
        return old.count()
    return batches.until_none_is_left(batches.delete, old, order_by="created_at", limit=limit)


def _offer(tier_id: int, slug: str) -> Tier:
    """Read a tier anew: what is frozen is what is for sale now, not what a form was rendered with."""
    tier = Tier.objects.filter(pk=tier_id, active=True).first()
    if tier is None:
        raise TierNotSold(slug)
    return tier


def _started(owner_id: int, tier: Tier) -> CheckoutSession:
    live = _live(owner_id)
    now = locks.database_now()
    if live is None:
        return _begun(owner_id, tier, now=now)
    if live.tier_id != tier.pk:
        return _replaced(live, tier, EndReason.CHANGED_TIER, now=now)
    if not _has_terms_of(live, tier):
        return _replaced(live, tier, EndReason.PRICE_CHANGED, now=now)
    if live.expires_at - now < LITTLE_TIME:
        return _replaced(live, tier, EndReason.LITTLE_TIME, now=now)
    return live


def _recovered(session: CheckoutSession, *, accept_price_minor: int | None) -> Recovery:
    live = _live(session.owner_id)
    current = locks.lock_session(session.pk)
    now = locks.database_now()
    if current is None:
        return SessionNotActive(session.pk)
    if current.is_completed:
        return current
    if live is not None and live.expires_at - now >= LITTLE_TIME:
        return live
    wanted = live or current
    try:
        tier = _offer(wanted.tier_id, wanted.tier_slug)
    except TierNotSold as error:
        return error
    is_unchanged = _has_terms_of(wanted, tier)
    if not is_unchanged and accept_price_minor != tier.price_minor:
        return RecoveryNeedsConsent(wanted, tier)
    if live is not None:
        reason = EndReason.LITTLE_TIME if is_unchanged else EndReason.PRICE_CHANGED
        return _replaced(live, tier, reason, now=now)
    return _begun(current.owner_id, tier, now=now, recovered_from=current)


def _live(owner_id: int) -> CheckoutSession | None:
    """Lock the owner's active session; one past its time is expired here, because the beat may be late."""
    active = locks.lock_active_session(owner_id)
    if active is not None and active.has_expired(now=locks.database_now()):
        end(active, Status.EXPIRED, EndReason.TIME_PASSED)
        return None
    return active


def _has_terms_of(session: CheckoutSession, tier: Tier) -> bool:
    frozen = tuple(getattr(session, name) for name in TERMS)
    return frozen == _terms(tier)


def _terms(tier: Tier) -> tuple[int | str | None, ...]:
    return (
        tier.pk,
        tier.credits,
        tier.bonus_credits,
        tier.price_minor,
        tier.currency,
        tier.expires_after_days,
    )


def _replaced(live: CheckoutSession, tier: Tier, reason: str, *, now: datetime) -> CheckoutSession:
    end(live, Status.INVALIDATED, reason)
    return _begun(live.owner_id, tier, now=now, renewed_from=live)


def _begun(
    owner_id: int,
    tier: Tier,
    *,
    now: datetime,
    renewed_from: CheckoutSession | None = None,
    recovered_from: CheckoutSession | None = None,
) -> CheckoutSession:
    session = CheckoutSession.objects.create(
        owner_id=owner_id,
        renewed_from=renewed_from,
        recovered_from=recovered_from,
        tier_slug=tier.slug,
        tier_name=tier.name,
        **dict(zip(TERMS, _terms(tier), strict=True)),
        created_at=now,
        expires_at=now + timedelta(hours=settings.CHECKOUT_SESSION_HOURS),
    )
    reason = "renewed" if renewed_from else "recovered" if recovered_from else "started"
    log_move(session, before="", reason=reason)
    return session
