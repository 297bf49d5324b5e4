"""Everything at once: one active session per person, and everybody gets a helpful answer."""

from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from accounts.models import User
from checkout import locks, sessions
from checkout.models import CheckoutSession, Tier
from tests.checkout.conftest import BeginSession
from tests.together import together

pytestmark = pytest.mark.django_db(transaction=True)
Status = CheckoutSession.Status
CLICKS = 20


def test_parallel_starts_end_with_one_session(alice: User, plus: Tier) -> None:
    answers = together(*[lambda: sessions.start(owner=alice, tier=plus)] * CLICKS)

    assert answers == [CheckoutSession.objects.get()] * CLICKS


def test_parallel_starts_fail_without_the_lock(
    alice: User, plus: Tier, monkeypatch: pytest.MonkeyPatch
) -> None:
    take_the_lock_away(monkeypatch)

    answers = together(*[lambda: sessions.start(owner=alice, tier=plus)] * CLICKS)

    assert sum(isinstance(answer, IntegrityError) for answer in answers) == CLICKS - 1


def test_parallel_starts_of_two_tiers_leave_one(alice: User, starter: Tier, plus: Tier) -> None:
    answers = together(
        *[lambda: sessions.start(owner=alice, tier=starter), lambda: sessions.start(owner=alice, tier=plus)]
        * (CLICKS // 2)
    )

    assert [answer.tier for answer in answers if isinstance(answer, CheckoutSession)] == [starter, plus] * (
        CLICKS // 2
    )
    live = CheckoutSession.objects.get(status=Status.ACTIVE)
    replaced = CheckoutSession.objects.exclude(pk=live.pk)
    assert {(one.status, one.end_reason) for one in replaced} == {(Status.INVALIDATED, "changed_tier")}
    assert length_of_chain(live) == replaced.count() + 1


def test_starts_by_many_people_do_not_wait_for_each_other(plus: Tier) -> None:
    people = [User.objects.create(email=f"buyer{number}@example.com") for number in range(CLICKS)]

    answers = together(*[lambda who=who: sessions.start(owner=who, tier=plus) for who in people])

    assert [answer.owner for answer in answers if isinstance(answer, CheckoutSession)] == people


def test_parallel_recoveries_end_with_one_session(begin: BeginSession) -> None:
    dead = sessions.cancel(session=begin())

    answers = together(*[lambda: sessions.recover(session=dead)] * CLICKS)

    live = CheckoutSession.objects.get(status=Status.ACTIVE)
    assert answers == [live] * CLICKS
    assert live.recovered_from_id == dead.pk


def test_parallel_recoveries_fail_without_the_lock(
    begin: BeginSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead = sessions.cancel(session=begin())
    take_the_lock_away(monkeypatch)

    answers = together(*[lambda: sessions.recover(session=dead)] * CLICKS)

    assert sum(isinstance(answer, IntegrityError) for answer in answers) == CLICKS - 1


def test_payment_wins_over_cancel_expiry_and_change(begin: BeginSession, starter: Tier) -> None:
    session = begin(ago=timedelta(hours=24))

    def pay() -> Any:
        with transaction.atomic():
            locks.lock_owner(session.owner_id)
            return sessions.complete(session.pk)

    answers = together(
        *[
            pay,
            lambda: sessions.cancel(session=session),
            lambda: sessions.expire_due(),
            lambda: sessions.renew(session=session, tier=starter),
            pay,
        ]
        * 4
    )

    assert [answer for answer in answers[::5] if not isinstance(answer, bool)] == []
    session.refresh_from_db()
    assert session.status == Status.COMPLETED
    assert CheckoutSession.objects.filter(status=Status.ACTIVE).count() <= 1


def test_two_clean_ups_share_the_work(begin: BeginSession) -> None:
    for number in range(60):
        begin(owner=User.objects.create(email=f"buyer{number}@example.com"), ago=timedelta(days=8))

    expired = together(*[lambda: sessions.expire_due(limit=5)] * 4)
    deleted = together(*[lambda: sessions.delete_old(limit=5)] * 4)

    assert sum(count for count in expired if isinstance(count, int)) == 60
    assert sum(count for count in deleted if isinstance(count, int)) == 60
    assert CheckoutSession.objects.count() == 0


def take_the_lock_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for the owner's row, and everybody has read before anybody writes."""
    everybody_has_read = Barrier(CLICKS)
    read = locks.lock_active_session

    def read_together(owner_id: int) -> CheckoutSession | None:
        found = read(owner_id)
        everybody_has_read.wait(timeout=60)
        return found

    monkeypatch.setattr(locks, "lock_owner", lambda _owner_id: None)
    monkeypatch.setattr(locks, "lock_active_session", read_together)


def length_of_chain(session: CheckoutSession) -> int:
    length = 1
    while session.renewed_from is not None:
        session, length = session.renewed_from, length + 1
    return length
