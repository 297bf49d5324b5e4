"""Refunds and disputes of purchases whose credits, owner or row have gone somewhere else."""

import pytest

from accounts.models import User
from credits import spending
from credits.proof import prove
from credits.sweeping import sweep_credits
from credits.transfers import transfer
from outbox.models import Message
from purchases.models import Purchase, Refund
from tests.conftest import superuser_connection
from tests.purchases.returning import credited, numbers, tell
from tests.sandbox_process import SandboxProcess

pytestmark = pytest.mark.django_db(transaction=True)


def refunded(stripe: SandboxProcess, purchase: Purchase, amount: int) -> None:
    stripe.control(f"sessions/{purchase.stripe_session_id}/refund", amount=amount)
    tell(stripe, "charge.refunded")


def test_credits_that_a_claim_moved(alice: User, bob: User, paid: Purchase, stripe: SandboxProcess) -> None:
    credited(paid)
    transfer(source=alice, target=bob, scope="accounts", key="claim:1")

    refunded(stripe, paid, 900)
    assert numbers(bob) == (110, 110, 0)
    assert prove().problems == []


def test_credits_that_nobody_used_and_have_expired_are_not_owed(
    alice: User, paid: Purchase, stripe: SandboxProcess
) -> None:
    credited(paid)
    spending.spend(user=alice, amount=50, scope="tests", key="job:1")
    with superuser_connection() as superuser:
        superuser.execute("set session_replication_role = replica")
        superuser.execute("update credits_lot set expires_at = now() where remaining > 0")
    sweep_credits()
    assert numbers(alice) == (0, 0, 0)

    refunded(stripe, paid, 1800)
    assert numbers(alice) == (0, 0, 50)


def test_a_purchase_whose_row_is_gone_comes_back_with_its_refund(
    alice: User, paid: Purchase, stripe: SandboxProcess
) -> None:
    with superuser_connection() as superuser:
        superuser.execute("set session_replication_role = replica")
        superuser.execute("delete from purchases_purchase")

    refunded(stripe, paid, 900)
    purchase = Purchase.objects.get()
    assert (purchase.uuid, purchase.status, purchase.credits_taken) == (paid.uuid, "credited", 110)
    assert numbers(alice) == (110, 110, 0)


def test_refunds_that_a_restored_backup_lost_are_learnt_again(
    alice: User, paid: Purchase, stripe: SandboxProcess
) -> None:
    credited(paid)
    refunded(stripe, paid, 900)
    with superuser_connection() as superuser:
        superuser.execute("set session_replication_role = replica")
        superuser.execute("delete from purchases_refund")
        superuser.execute("delete from purchases_stripeevent")

    refunded(stripe, paid, 100)
    assert Refund.objects.count() == 2
    assert Purchase.objects.get().refunded_minor == 1000
    assert numbers(alice) == (220 - 111 - 11, 220 - 111 - 11, 0)
    assert Message.objects.filter(topic="purchase.refunded").count() == 2
