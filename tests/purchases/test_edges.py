"""Expiry and clean-up racing a payment at the edges of 24 hours and of 7 days: the payment wins.

Guard: settling locks the session's row, which the clean-up passes by; and a purchase outlives its session.
"""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from unittest import mock

import pytest
from django.db import connection, transaction
from django.db.models import QuerySet

from accounts.models import User
from checkout import sessions
from checkout.models import CheckoutSession
from credits.balances import balance_of
from purchases.fulfilment import settle
from purchases.models import Purchase
from tests.conftest import superuser_connection
from tests.together import somebody_waits, together

pytestmark = pytest.mark.django_db(transaction=True)


def at_the_edge(days: int) -> None:
    """Every session began so many days ago, and its time is over just now."""
    with superuser_connection() as superuser:
        superuser.execute("set session_replication_role = replica")
        superuser.execute(
            "update checkout_checkoutsession set created_at = clock_timestamp() - make_interval(days => %s),"
            " expires_at = clock_timestamp(), money_until = clock_timestamp()",
            [days],
        )


def race(paid: Purchase, *jobs: Callable[[], Any]) -> list[Any]:
    def pay() -> str:
        return settle(paid.stripe_session_id or "", via=Purchase.Via.SWEEP).outcome

    return together(*[pay, *jobs] * 5)[:: len(jobs) + 1]


def test_a_payment_at_24_hours_completes_its_session(alice: User, paid: Purchase) -> None:
    at_the_edge(days=1)

    assert race(paid, sessions.expire_due) == ["credited"] * 5
    assert balance_of(alice).available == 220
    assert CheckoutSession.objects.get().status == "completed"


def test_a_payment_at_7_days_is_credited_whether_its_session_is_gone(alice: User, paid: Purchase) -> None:
    at_the_edge(days=7)

    assert race(paid, sessions.expire_due, sessions.delete_old) == ["credited"] * 5
    assert balance_of(alice).available == 220
    assert set(CheckoutSession.objects.values_list("status", flat=True)) <= {"completed"}


def beside_a_payment(paid: Purchase, clean_up: Callable[[], int]) -> int:
    """Clean up while a payment has completed its session and has not committed yet, until it ends or waits."""

    def cleaned() -> int:
        try:
            return clean_up()
        finally:
            connection.close()

    assert paid.checkout_session_id
    with ThreadPoolExecutor(max_workers=1) as pool:
        with transaction.atomic():
            sessions.complete(paid.checkout_session_id)
            cleaning = pool.submit(cleaned)
            while not cleaning.done() and not somebody_waits():
                time.sleep(0.01)
        return cleaning.result()


AT_AN_EDGE = pytest.mark.parametrize(
    ("days", "clean_up"), [(1, sessions.expire_due), (7, sessions.delete_old)], ids=["24 hours", "7 days"]
)


@AT_AN_EDGE
def test_the_clean_up_passes_by_what_is_being_paid(
    paid: Purchase, days: int, clean_up: Callable[[], int]
) -> None:
    at_the_edge(days=days)

    assert beside_a_payment(paid, clean_up) == 0
    assert CheckoutSession.objects.get().status == "completed"


@AT_AN_EDGE
def test_without_its_lock_the_clean_up_trips_over_what_is_being_paid(
    paid: Purchase, days: int, clean_up: Callable[[], int]
) -> None:
    """The twin: it waits for the payment that it should have passed by, and then fails."""
    at_the_edge(days=days)

    unlocked = mock.patch.object(QuerySet, "select_for_update", lambda rows, **_: rows)
    with unlocked, pytest.raises(AssertionError, match="a locked row stays"):
        beside_a_payment(paid, clean_up)
