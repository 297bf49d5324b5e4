"""Payments that take days: told, asked about daily, and an end by mail both ways. And purchases that Stripe forgot."""

from datetime import timedelta
from typing import Any
from unittest import mock

import pytest
from django.core import mail
from django.db import IntegrityError
from django.db.models.functions import Now

from accounts.models import User
from checkout import sessions
from checkout.models import Tier
from credits.balances import balance_of
from outbox.models import Message
from outbox.sending import send_due
from purchases import asking, cleaning, opening
from purchases import sweep as sweeping
from purchases.fulfilment import settle
from purchases.models import Purchase, Refund
from tests.conftest import superuser_connection
from tests.purchases.conftest import deliver, event
from tests.purchases.test_guards import attack
from tests.sandbox_process import SandboxProcess

pytestmark = pytest.mark.django_db(transaction=True)


def moved(purchase: Purchase, *, days: int) -> None:
    """As if so many days had passed since the purchase was opened."""
    with superuser_connection() as superuser:
        superuser.execute("set session_replication_role = replica")
        superuser.execute(
            "update purchases_purchase set created_at = created_at - %s, stripe_expires_at = stripe_expires_at - %s"
            " where id = %s",
            [timedelta(days=days), timedelta(days=days), purchase.pk],
        )


def subjects() -> list[str]:
    send_due()
    return [str(letter.subject) for letter in mail.outbox]


def sweep() -> Purchase:
    Purchase.objects.filter(next_check_at__isnull=False).update(next_check_at=Now() - timedelta(seconds=1))
    sweeping.sweep()
    return Purchase.objects.get()


@pytest.fixture
def debited(opened: Purchase, stripe: SandboxProcess) -> Purchase:
    """Alice pays by a bank debit, and we know."""
    stripe.pay(opened.stripe_session_id or "", method="bank_debit")
    settle(opened.stripe_session_id or "", via=Purchase.Via.RETURN)
    return Purchase.objects.get()


def test_the_person_is_told_once_that_it_takes_days(debited: Purchase) -> None:
    sweep()

    assert subjects() == ["Your payment at Coffer is on its way"]


@pytest.mark.parametrize(
    ("succeed", "status", "available", "subject"),
    [
        (True, "credited", 220, "220 credits added at Coffer"),
        (False, "failed", 0, "Your payment at Coffer did not go through"),
    ],
)
def test_the_end_is_found_by_asking_and_told(
    alice: User,
    debited: Purchase,
    stripe: SandboxProcess,
    succeed: bool,
    status: str,
    available: int,
    subject: str,
) -> None:
    stripe.control(f"sessions/{debited.stripe_session_id}/settle", succeed=succeed)

    assert sweep().status == status
    assert balance_of(alice).available == available
    assert subjects()[1:] == [subject]


def test_it_is_asked_about_daily_for_as_long_as_it_takes(debited: Purchase) -> None:
    for _ in range(4):
        sweep()
    now = debited.stripe_expires_at + timedelta(days=3)
    debited.refresh_from_db()

    assert sweeping.next_check(debited, now=now) == now + timedelta(days=1)
    assert sweep().status == "processing"


def test_succeeded_before_completed_and_failed_after_success(
    alice: User, debited: Purchase, stripe: SandboxProcess
) -> None:
    stripe.control(f"sessions/{debited.stripe_session_id}/settle", succeed=True)
    told: dict[str, Any] = {"id": debited.stripe_session_id, "object": "checkout.session"}
    for number, kind in enumerate(
        ("async_payment_succeeded", "completed", "async_payment_failed", "expired")
    ):
        assert deliver(event(f"checkout.session.{kind}", told, id=f"evt_{number}")).status_code == 200

    assert balance_of(alice).available == 220
    assert Purchase.objects.get().status == "credited"


def test_a_purchase_that_stripe_does_not_know_ends_after_its_time(
    opened: Purchase, stripe: SandboxProcess
) -> None:
    stripe.control(f"objects/{opened.stripe_session_id}/delete")
    with mock.patch.object(sweeping, "log") as log:
        for _ in range(asking.UNKNOWN_CHECKS + 2):
            assert sweep().status == "open"
        assert log.error.call_count == 1
        moved(opened, days=1)
        purchase = sweep()

    assert (purchase.status, purchase.reason) == ("expired", "unknown_at_stripe")
    assert purchase.next_check_at is None


def test_it_is_not_given_up_before_it_was_asked_often(opened: Purchase, stripe: SandboxProcess) -> None:
    stripe.control(f"objects/{opened.stripe_session_id}/delete")
    moved(opened, days=3)

    assert sweep().next_check_at is not None


def test_money_under_way_that_stripe_forgot_goes_to_review(
    debited: Purchase, stripe: SandboxProcess, db: None
) -> None:
    User.objects.create_superuser("olga@example.com", "olga-password")
    stripe.control(f"objects/{debited.stripe_session_id}/delete")
    Purchase.objects.update(checks=asking.UNKNOWN_CHECKS)
    moved(debited, days=2)

    assert sweep().status == "review"
    assert Message.objects.filter(topic="staff.review").count() == 1


def test_one_that_was_given_up_is_still_credited_when_it_was_paid(
    alice: User, opened: Purchase, stripe: SandboxProcess
) -> None:
    Purchase.objects.update(status="expired", reason="unknown_at_stripe", next_check_at=None)
    stripe.pay(opened.stripe_session_id or "")

    settle(opened.stripe_session_id or "", via=Purchase.Via.COMMAND)
    assert balance_of(alice).available == 220


def test_the_staff_is_told_of_a_review_once(alice: User, opened: Purchase, stripe: SandboxProcess) -> None:
    User.objects.create_superuser("olga@example.com", "olga-password")
    stripe.pay(opened.stripe_session_id or "", amount_total=5, amount_subtotal=5)
    for _ in range(3):
        settle(opened.stripe_session_id or "", via=Purchase.Via.SWEEP)

    (subject,) = subjects()
    assert subject == f"Coffer: purchase {opened.reference} needs a look"
    assert "amount: 1800 here, 5 at Stripe" in mail.outbox[0].body


@pytest.mark.parametrize("status", ["failed", "expired"])
def test_a_purchase_without_money_is_deleted_after_400_days(opened: Purchase, status: str) -> None:
    Purchase.objects.update(status=status, next_check_at=None)
    moved(opened, days=399)
    assert cleaning.delete_tombstones() == 0

    moved(opened, days=2)
    assert cleaning.delete_tombstones() == 1
    assert Purchase.objects.count() == 0


@pytest.mark.parametrize("status", ["open", "processing", "review", "credited"])
def test_one_with_money_is_kept_for_ever(opened: Purchase, status: str) -> None:
    credited_at = Now() if status == "credited" else None
    Purchase.objects.update(status=status, credited_at=credited_at, next_check_at=None)
    moved(opened, days=4000)

    assert cleaning.delete_tombstones() == 0


def test_one_that_is_still_asked_about_or_was_refunded_is_kept(opened: Purchase) -> None:
    Purchase.objects.update(status="expired")
    moved(opened, days=500)
    assert cleaning.delete_tombstones() == 0

    Purchase.objects.update(next_check_at=None)
    Refund.objects.create(purchase=opened, stripe_id="re_1", amount_minor=1, status="failed")
    assert cleaning.delete_tombstones() == 0
    with pytest.raises(IntegrityError):
        attack("delete from purchases_purchase")


def test_tombstones_go_in_batches(alice: User, bob: User, plus: Tier, stripe: SandboxProcess) -> None:
    for person in (alice, bob):
        session = sessions.start(owner=person, tier=plus)
        moved(opening.open_payment(owner=person, session=session).purchase, days=500)
    Purchase.objects.update(status="expired", next_check_at=None)

    assert cleaning.delete_tombstones(limit=1) == 2
