"""recover(): a dead session leads to something that can be paid, or to a question."""

from datetime import timedelta

import pytest
from django.db.models.functions import Now

from accounts.models import User
from checkout import sessions
from checkout.errors import RecoveryNeedsConsent, SessionNotActive, TierNotSold
from checkout.models import CheckoutSession, Tier
from tests.checkout.conftest import BeginSession

Status = CheckoutSession.Status


@pytest.fixture
def cancelled(begin: BeginSession) -> CheckoutSession:
    return sessions.cancel(session=begin())


def test_dead_session_becomes_a_new_one_on_the_same_terms(cancelled: CheckoutSession, plus: Tier) -> None:
    new = sessions.recover(session=cancelled)

    assert (new.status, new.tier, new.price_minor) == (Status.ACTIVE, plus, 1800)
    assert (new.recovered_from, new.renewed_from) == (cancelled, None)


def test_recovering_twice_is_recovering_once(cancelled: CheckoutSession) -> None:
    first = sessions.recover(session=cancelled)

    assert sessions.recover(session=cancelled) == first
    assert CheckoutSession.objects.count() == 2


def test_session_past_its_time_is_expired_and_recovered(begin: BeginSession) -> None:
    due = begin(ago=timedelta(hours=24))

    new = sessions.recover(session=due)

    due.refresh_from_db()
    assert (due.status, due.end_reason, new.recovered_from) == (Status.EXPIRED, "time_passed", due)


def test_live_successor_is_found(begin: BeginSession, alice: User, starter: Tier) -> None:
    old = begin()
    successor = sessions.start(owner=alice, tier=starter)

    assert sessions.recover(session=old) == successor


def test_payable_session_is_its_own_answer(begin: BeginSession) -> None:
    session = begin()

    assert sessions.recover(session=session) == session
    assert CheckoutSession.objects.count() == 1


def test_completed_session_is_its_own_answer(begin: BeginSession) -> None:
    session = begin()
    CheckoutSession.objects.update(status=Status.COMPLETED)

    assert sessions.recover(session=session).status == Status.COMPLETED
    assert CheckoutSession.objects.count() == 1


def test_session_with_too_little_time_is_renewed(begin: BeginSession) -> None:
    old = begin(ago=timedelta(hours=23, minutes=26))

    new = sessions.recover(session=old)

    old.refresh_from_db()
    assert (old.status, old.end_reason) == (Status.INVALIDATED, "little_time")
    assert (new.status, new.renewed_from, new.recovered_from) == (Status.ACTIVE, old, None)


def test_session_with_enough_time_is_left_alone(begin: BeginSession) -> None:
    session = begin(ago=timedelta(hours=23, minutes=24))

    assert sessions.recover(session=session) == session


def test_changed_price_asks_first(cancelled: CheckoutSession, plus: Tier) -> None:
    Tier.objects.update(price_minor=1900)

    with pytest.raises(RecoveryNeedsConsent) as asked:
        sessions.recover(session=cancelled)

    assert (asked.value.session, asked.value.tier) == (cancelled, plus)
    assert (asked.value.old_price_minor, asked.value.new_price_minor) == (1800, 1900)
    assert CheckoutSession.objects.count() == 1


def test_changed_credits_ask_too(cancelled: CheckoutSession) -> None:
    Tier.objects.update(credits=100)

    with pytest.raises(RecoveryNeedsConsent):
        sessions.recover(session=cancelled)

    assert CheckoutSession.objects.count() == 1


def test_consent_to_the_new_price_recovers(cancelled: CheckoutSession) -> None:
    Tier.objects.update(price_minor=1900)

    new = sessions.recover(session=cancelled, accept_price_minor=1900)

    assert (new.price_minor, new.recovered_from) == (1900, cancelled)


def test_consent_to_a_price_that_changed_again_asks_again(cancelled: CheckoutSession) -> None:
    Tier.objects.update(price_minor=2000)

    with pytest.raises(RecoveryNeedsConsent) as asked:
        sessions.recover(session=cancelled, accept_price_minor=1900)

    assert asked.value.new_price_minor == 2000


def test_consent_renews_a_session_with_too_little_time(begin: BeginSession) -> None:
    old = begin(ago=timedelta(hours=23, minutes=30))
    Tier.objects.update(price_minor=1900)

    new = sessions.recover(session=old, accept_price_minor=1900)

    old.refresh_from_db()
    assert (old.end_reason, new.price_minor, new.renewed_from) == ("price_changed", 1900, old)


def test_withdrawn_tier_cannot_be_recovered_but_the_expiry_is_kept(begin: BeginSession) -> None:
    due = begin(ago=timedelta(hours=25))
    Tier.objects.update(active=False)

    with pytest.raises(TierNotSold):
        sessions.recover(session=due)

    due.refresh_from_db()
    assert (due.status, CheckoutSession.objects.count()) == (Status.EXPIRED, 1)


def test_session_that_is_gone_cannot_be_recovered(cancelled: CheckoutSession) -> None:
    CheckoutSession.objects.all().delete()

    with pytest.raises(SessionNotActive):
        sessions.recover(session=cancelled)


def test_expiry_shortened_to_now_is_past_its_time(begin: BeginSession) -> None:
    session = begin()
    CheckoutSession.objects.update(expires_at=Now())

    assert sessions.recover(session=session).recovered_from == session
