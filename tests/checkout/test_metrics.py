"""How checkouts go, in numbers."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client

from accounts.models import User
from checkout import cleaning, sessions
from checkout.locks import database_now
from checkout.metrics import session_metrics
from checkout.models import CheckoutSession, CleanUpRun, Tier
from tests.checkout.conftest import BeginSession


@pytest.fixture
def week(begin: BeginSession, alice: User, bob: User, charlie: User, starter: Tier, plus: Tier) -> None:
    """Alice changes her mind and pays; Bob forgets, comes back and pays; Charlie cancels, and begins again."""
    sessions.start(owner=alice, tier=starter)
    sessions.complete(sessions.start(owner=alice, tier=plus).pk)
    forgotten = begin(owner=bob, ago=timedelta(days=2))
    sessions.complete(sessions.recover(session=forgotten).pk)
    sessions.cancel(session=sessions.start(owner=charlie, tier=plus))
    sessions.start(owner=charlie, tier=starter)
    begin(owner=User.objects.create(email="old@example.com"), ago=timedelta(days=8))


def test_counts_are_of_the_window(week: None) -> None:
    metrics = session_metrics()

    assert (metrics.started, metrics.renewed, metrics.completed, metrics.active) == (6, 1, 2, 1)
    assert (metrics.expired, metrics.invalidated, metrics.lost) == (1, 2, 2)
    assert (metrics.recovered, metrics.recovered_and_completed) == (1, 1)


def test_rates_leave_renewals_out(week: None) -> None:
    metrics = session_metrics()

    assert (metrics.completion_rate, metrics.recovery_rate) == (2 / 5, 1 / 2)


def test_shorter_window_sees_less(week: None) -> None:
    assert session_metrics(window=timedelta(days=1)).expired == 0
    assert session_metrics(window=timedelta(days=30)).started == 7


def test_nothing_has_no_rate(db: None) -> None:
    metrics = session_metrics()

    assert (metrics.started, metrics.completion_rate, metrics.recovery_rate) == (0, None, None)
    assert metrics.last_clean_up is None


def test_last_clean_up_is_remembered_and_a_dry_run_is_not(begin: BeginSession) -> None:
    begin(ago=timedelta(days=8))
    cleaning.clean_up(dry_run=True)
    assert session_metrics().last_clean_up is None

    cleaning.clean_up()

    run = CleanUpRun.objects.get()
    assert (run.expired, run.deleted, session_metrics().last_clean_up) == (1, 1, run.ran_at)
    assert timedelta(0) <= database_now() - run.ran_at < timedelta(minutes=2)


def test_clean_ups_are_kept_for_a_month(db: None) -> None:
    CleanUpRun.objects.create(expired=1, deleted=1)
    CleanUpRun.objects.create(expired=2, deleted=2)
    with connection.cursor() as cursor:
        cursor.execute("update checkout_cleanuprun set ran_at = now() - interval '31 days' where expired = 1")

    cleaning.clean_up()

    assert list(CleanUpRun.objects.order_by("pk").values_list("expired", flat=True)) == [2, 0]


def test_operator_sees_the_numbers(week: None, client: Client) -> None:
    operator = User.objects.create_superuser("operator@example.com", "operator-password")
    client.force_login(operator, backend="accounts.backends.PasswordBackend")

    page = client.get("/admin/checkout/checkoutsession/").content.decode()

    assert "<td>40%</td>" in page
    assert "<td>50%</td>" in page
    assert CheckoutSession.objects.count() == 7
