"""When the money moved, how long the credits took, and which net brought them."""

from datetime import timedelta

import pytest

from purchases import backfill, latency
from purchases.fulfilment import settle
from purchases.models import Purchase
from tests.purchases.conftest import completed, deliver
from tests.sandbox_process import SandboxProcess


def test_the_charge_tells_when_a_card_paid(paid: Purchase) -> None:
    settle(paid.stripe_session_id or "", via=Purchase.Via.SWEEP)

    purchase = Purchase.objects.get()
    assert purchase.paid_at is not None
    assert purchase.credited_at is not None
    assert timedelta(seconds=-1) < purchase.credited_at - purchase.paid_at < timedelta(minutes=2)


def test_a_delayed_payment_is_paid_when_it_succeeds_not_when_it_begins(
    opened: Purchase, stripe: SandboxProcess
) -> None:
    stripe.pay(opened.stripe_session_id or "", method="bank_debit")
    stripe.control("clock", advance=3 * 86400)
    stripe.control(f"sessions/{opened.stripe_session_id}/settle", succeed=True)
    settle(opened.stripe_session_id or "", via=Purchase.Via.SWEEP)
    backfill.backfill()

    purchase = Purchase.objects.get()
    assert purchase.paid_at is not None
    assert purchase.paid_at - purchase.created_at > timedelta(days=2)


def test_nets_are_counted_with_their_latency(paid: Purchase) -> None:
    settle(paid.stripe_session_id or "", via=Purchase.Via.RETURN)
    Purchase.objects.update(paid_at=Purchase.objects.get().credited_at - timedelta(seconds=8))  # type: ignore[operator]

    assert latency.by_net() == {
        "return": latency.Net(credited=1, median_seconds=8.0, p95_seconds=8.0, worst_seconds=8.0)
    }
    assert latency.credited_by_net()["return"] == 1
    assert latency.credited_by_net()["webhook"] == 0


def test_another_clock_cannot_make_a_latency_negative(paid: Purchase) -> None:
    settle(paid.stripe_session_id or "", via=Purchase.Via.RETURN)
    Purchase.objects.update(paid_at=Purchase.objects.get().credited_at + timedelta(seconds=5))  # type: ignore[operator]

    assert latency.by_net()["return"].worst_seconds == 0


@pytest.mark.parametrize("created", [None, "soon", -1, True, 2**40, 1.5])
def test_an_event_without_a_sensible_time_is_taken_in_all_the_same(paid: Purchase, created: object) -> None:
    assert deliver(completed(paid, created=created)).status_code == 200
    assert Purchase.objects.get().status == "credited"
