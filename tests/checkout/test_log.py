"""Each move is one line, written once it is true."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

import pytest
from django.db import transaction
from structlog.testing import capture_logs

from accounts.models import User
from checkout import sessions
from checkout.models import CheckoutSession, Tier
from tests.checkout.conftest import BeginSession

pytestmark = pytest.mark.django_db(transaction=True)


def lines(logs: Sequence[Mapping[str, object]]) -> list[tuple[object, ...]]:
    moved = [line for line in logs if line["event"] == "checkout_session_moved"]
    return [tuple(line[name] for name in ("session", "owner", "from", "to", "reason")) for line in moved]


def test_start_renewal_and_cancel(alice: User, starter: Tier, plus: Tier) -> None:
    with capture_logs() as logs:
        old = sessions.start(owner=alice, tier=starter)
        new = sessions.start(owner=alice, tier=plus)
        sessions.cancel(session=new)

    assert lines(logs) == [
        (str(old.pk), alice.pk, "", "active", "started"),
        (str(old.pk), alice.pk, "active", "invalidated", "changed_tier"),
        (str(new.pk), alice.pk, "", "active", "renewed"),
        (str(new.pk), alice.pk, "active", "invalidated", "cancelled"),
    ]


def test_expiry_by_the_beat_and_recovery(alice: User, begin: BeginSession) -> None:
    old = begin(ago=timedelta(hours=25))

    with capture_logs() as logs:
        sessions.expire_due()
        new = sessions.recover(session=old)

    assert lines(logs) == [
        (str(old.pk), alice.pk, "active", "expired", "time_passed"),
        (str(new.pk), alice.pk, "", "active", "recovered"),
    ]


def test_completion_is_logged_with_the_callers_commit(alice: User, begin: BeginSession) -> None:
    session = begin()

    with capture_logs() as logs:
        with transaction.atomic():
            sessions.complete(session.pk)
            assert lines(logs) == []
        sessions.cancel(session=session)

    assert lines(logs) == [(str(session.pk), alice.pk, "active", "completed", "form_complete")]


def test_what_was_rolled_back_is_not_logged(begin: BeginSession) -> None:
    session = begin()

    with capture_logs() as logs, transaction.atomic():
        sessions.complete(session.pk)
        transaction.set_rollback(True)

    assert lines(logs) == []
    assert CheckoutSession.objects.get().status == "active"


def test_flood_is_one_line_that_names_them_all(begin: BeginSession, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("checkout.journal.MOST_LINES", 2)
    people = [User.objects.create(email=f"buyer{number}@example.com") for number in range(3)]
    flood = [begin(owner=owner, ago=timedelta(days=2 + number)) for number, owner in enumerate(people)]

    with capture_logs() as logs:
        sessions.expire_due()

    assert [(line["event"], line["from"], line["to"]) for line in logs] == [
        ("checkout_sessions_moved", "active", "expired")
    ]
    assert logs[0]["session"] == [str(session.pk) for session in reversed(flood)]
    assert logs[0]["owner"] == [owner.pk for owner in reversed(people)]
