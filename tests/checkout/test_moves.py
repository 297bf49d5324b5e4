"""renew(), cancel(), complete(), lock_for_payment(), hold_for_money(): the other moves of a session."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction
from django.db.models.functions import Now

from accounts.models import User
from checkout import sessions
from checkout.errors import RecoveryNeedsConsent, SessionNotActive, TierNotSold
from checkout.locks import database_now
from checkout.models import CheckoutSession, Tier
from tests.checkout.conftest import BeginSession

Status = CheckoutSession.Status
HALF_AN_HOUR = timedelta(minutes=32)


def test_renewal_replaces_the_wish(begin: BeginSession, starter: Tier) -> None:
    old = begin()

    new = sessions.renew(session=old, tier=starter)

    old.refresh_from_db()
    assert (old.status, old.end_reason) == (Status.INVALIDATED, "changed_tier")
    assert (new.tier, new.renewed_from) == (starter, old)


def test_renewal_of_a_dead_session_replaces_the_live_one(
    begin: BeginSession, alice: User, starter: Tier
) -> None:
    dead = sessions.cancel(session=begin())
    live = sessions.recover(session=dead)

    new = sessions.renew(session=dead, tier=starter)

    assert (new.renewed_from, CheckoutSession.objects.filter(status=Status.ACTIVE).get()) == (live, new)


def test_completed_session_is_not_renewed(begin: BeginSession, starter: Tier) -> None:
    session = begin()
    CheckoutSession.objects.update(status=Status.COMPLETED)

    with pytest.raises(SessionNotActive):
        sessions.renew(session=session, tier=starter)

    assert CheckoutSession.objects.count() == 1


def test_renewal_to_a_withdrawn_tier_moves_nothing(begin: BeginSession, starter: Tier) -> None:
    session = begin()
    Tier.objects.filter(pk=starter.pk).update(active=False)

    with pytest.raises(TierNotSold):
        sessions.renew(session=session, tier=starter)

    session.refresh_from_db()
    assert session.status == Status.ACTIVE


def test_cancelled_session_is_over(begin: BeginSession) -> None:
    session = sessions.cancel(session=begin())

    session.refresh_from_db()
    assert (session.status, session.end_reason) == (Status.INVALIDATED, "cancelled")


@pytest.mark.parametrize("status", [Status.COMPLETED, Status.EXPIRED])
def test_cancelling_what_is_over_changes_nothing(begin: BeginSession, status: str) -> None:
    session = begin()
    CheckoutSession.objects.update(status=status)

    assert sessions.cancel(session=session).status == status


def test_cancelling_what_is_gone_is_refused(begin: BeginSession) -> None:
    session = begin()
    CheckoutSession.objects.all().delete()

    with pytest.raises(SessionNotActive):
        sessions.cancel(session=session)


@pytest.mark.parametrize(
    ("status", "is_alive"), [(Status.ACTIVE, True), (Status.EXPIRED, False), (Status.INVALIDATED, False)]
)
def test_payment_completes_whatever_the_session_was(begin: BeginSession, status: str, is_alive: bool) -> None:
    session = begin()
    CheckoutSession.objects.update(status=status)

    with transaction.atomic():
        assert sessions.complete(session.pk) is is_alive

    session.refresh_from_db()
    assert session.status == Status.COMPLETED
    assert timedelta(0) <= database_now() - session.completed_at < timedelta(minutes=2)  # type: ignore[operator]


def test_completing_again_changes_nothing(begin: BeginSession) -> None:
    session = begin()
    sessions.complete(session.pk)
    first = CheckoutSession.objects.get()

    assert sessions.complete(session.pk) is True

    again = CheckoutSession.objects.get()
    assert (again.completed_at, again.updated_at) == (first.completed_at, first.updated_at)


def test_completing_what_is_gone_is_nothing(db: None) -> None:
    assert sessions.complete(uuid.uuid4()) is False


@pytest.mark.django_db(transaction=True)
def test_completing_outside_a_transaction_is_a_mistake(begin: BeginSession) -> None:
    with pytest.raises(AssertionError):
        sessions.complete(begin().pk)


def test_payable_session_is_locked_as_it_is(begin: BeginSession) -> None:
    session = begin()

    assert sessions.lock_for_payment(session.pk, at_least=HALF_AN_HOUR) == session
    assert CheckoutSession.objects.count() == 1


def test_session_with_too_little_time_is_renewed_before_payment(begin: BeginSession) -> None:
    old = begin(ago=timedelta(hours=23, minutes=29))

    new = sessions.lock_for_payment(old.pk, at_least=HALF_AN_HOUR)

    old.refresh_from_db()
    assert (old.end_reason, new.renewed_from, new.status) == ("little_time", old, Status.ACTIVE)


def test_renewal_before_payment_asks_when_the_price_changed(begin: BeginSession) -> None:
    old = begin(ago=timedelta(hours=23, minutes=29))
    Tier.objects.update(price_minor=1900)

    with pytest.raises(RecoveryNeedsConsent):
        sessions.lock_for_payment(old.pk, at_least=HALF_AN_HOUR)

    old.refresh_from_db()
    assert old.status == Status.ACTIVE


def test_changed_price_does_not_touch_a_session_with_time(begin: BeginSession) -> None:
    session = begin()
    Tier.objects.update(price_minor=1900, active=False)

    assert sessions.lock_for_payment(session.pk, at_least=HALF_AN_HOUR).price_minor == 1800


def test_dead_due_and_unknown_sessions_are_not_payable(begin: BeginSession, bob: User) -> None:
    dead = sessions.cancel(session=begin())
    due = begin(ago=timedelta(hours=24), owner=bob)

    for session_id in (dead.pk, due.pk, uuid.uuid4()):
        with pytest.raises(SessionNotActive):
            sessions.lock_for_payment(session_id, at_least=HALF_AN_HOUR)


def test_later_hold_wins(begin: BeginSession) -> None:
    session = begin()
    late, early = datetime(2040, 1, 2, tzinfo=UTC), datetime(2040, 1, 1, tzinfo=UTC)

    for until in (early, late, early):
        sessions.hold_for_money(session.pk, until)

    session.refresh_from_db()
    assert session.money_until == late


def test_hold_may_be_counted_by_the_databases_clock(begin: BeginSession) -> None:
    session = begin()

    sessions.hold_for_money(session.pk, Now() + timedelta(days=14))

    session.refresh_from_db()
    assert session.money_until is not None
    assert timedelta(days=13, hours=23) < session.money_until - database_now() <= timedelta(days=14)


def test_active_session_is_found_until_its_time_has_passed(
    begin: BeginSession, alice: User, bob: User
) -> None:
    session = begin()

    assert sessions.active_session_of(alice) == session
    assert sessions.active_session_of(bob) is None
    CheckoutSession.objects.update(expires_at=Now())
    assert sessions.active_session_of(alice) is None


def test_session_is_found_by_its_owner_only(begin: BeginSession, alice: User, charlie: User) -> None:
    session = begin()

    assert sessions.session_of(alice, session.pk) == session
    assert sessions.session_of(charlie, session.pk) is None
    assert sessions.session_of(alice, uuid.uuid4()) is None
