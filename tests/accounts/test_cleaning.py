"""Guests who came to nothing are deleted after thirty days; whoever has anything is kept."""

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from accounts.cleaning import clean_up, delete_idle_guests
from accounts.models import ThrottleCount, User
from checkout import sessions
from checkout.models import Tier
from credits.deposits import NewLot, grant
from purchases import opening
from tests.sandbox_process import SandboxProcess


def joined_days_ago(days: float) -> User:
    guest = User.objects.create_guest()
    User.objects.filter(pk=guest.pk).update(date_joined=timezone.now() - timedelta(days=days))
    return guest


def test_idle_guests_are_deleted_after_thirty_days(db: None, alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(date_joined=timezone.now() - timedelta(days=400))
    joined_days_ago(30.1)
    young = joined_days_ago(29.9)

    assert delete_idle_guests() == 1

    assert set(User.objects.all()) == {alice, young}


def test_who_has_credits_an_order_or_a_purchase_is_kept(
    db: None, starter: Tier, plus: Tier, stripe: SandboxProcess
) -> None:
    rich, buying, opened, _idle = (joined_days_ago(31) for _ in range(4))
    grant(user=rich, lots=[NewLot(kind="promo", amount=5)], scope="tests", key="1")
    sessions.start(owner=buying, tier=starter)
    session = sessions.start(owner=opened, tier=plus)
    opening.open_payment(owner=opened, session=session)
    session.delete()

    assert delete_idle_guests() == 1

    assert set(User.objects.all()) == {rich, buying, opened}


def test_who_was_claimed_is_kept(db: None, alice: User) -> None:
    guest = joined_days_ago(31)
    User.objects.filter(pk=guest.pk).update(merged_into=alice, is_active=False)

    assert delete_idle_guests() == 0


def test_a_deleted_guests_browser_gets_a_new_guest(client: Client, plus: Tier) -> None:
    client.post("/checkout/", {"tier": "plus"})
    User.objects.all().delete()

    assert client.get("/credits/").status_code == 302
    assert client.post("/checkout/", {"tier": "plus"})["Location"].startswith("/checkout/")


def test_many_go_in_batches(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("accounts.cleaning.BATCH", 2)
    for _ in range(5):
        joined_days_ago(31)

    assert delete_idle_guests() == 5


def test_a_dry_run_counts_and_keeps(db: None) -> None:
    joined_days_ago(31)
    out = StringIO()

    call_command("clean_guests", "--dry-run", "--json", stdout=out)

    assert json.loads(out.getvalue()) == {"deleted": 1}
    assert User.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_guest_in_use_is_passed_by(plus: Tier) -> None:
    from threading import Event, Thread

    guest = joined_days_ago(31)
    locked, done = Event(), Event()

    def use() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("select from accounts_user where id = %s for no key update", [guest.pk])
            locked.set()
            done.wait(timeout=60)
        connection.close()

    user = Thread(target=use)
    user.start()
    locked.wait(timeout=60)
    assert delete_idle_guests() == 0
    done.set()
    user.join()


def test_old_counts_and_browser_sessions_go(client: Client, plus: Tier) -> None:
    client.post("/checkout/", {"tier": "plus"})
    Session.objects.update(expire_date=timezone.now() - timedelta(days=1))
    ThrottleCount.objects.update(resets_at=timezone.now() - timedelta(days=1))

    clean_up()

    assert (Session.objects.count(), ThrottleCount.objects.count()) == (0, 0)
