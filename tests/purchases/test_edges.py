"""Expiry and clean-up racing a payment at the edges of 24 hours and of 7 days: the payment wins.

Guard: settling locks the session's row, which the clean-up passes by; and a purchase outlives its session.
"""

from collections.abc import Callable
from typing import Any

import pytest

from accounts.models import User
from checkout import sessions
from checkout.models import CheckoutSession
from credits.balances import balance_of
from purchases.fulfilment import settle
from purchases.models import Purchase
from tests.conftest import superuser_connection
from tests.together import together

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
