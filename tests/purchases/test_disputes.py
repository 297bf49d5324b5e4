"""Disputes and early fraud warnings: funds withdrawn take credits, reinstated give back, a warning holds."""

import uuid

import pytest
from django.core import mail
from django.test import Client

from accounts.models import User
from credits import spending
from credits.proof import prove
from outbox.models import Message
from outbox.sending import send_due
from purchases import fraud
from purchases.models import Dispute, FraudWarning, OperatorAction, Purchase
from tests.purchases.conftest import deliver
from tests.purchases.returning import credited, events, numbers, tell
from tests.sandbox_process import SandboxProcess


@pytest.fixture(autouse=True)
def _proved(db: None) -> object:
    yield
    assert prove().problems == []


@pytest.fixture
def bought(paid: Purchase) -> Purchase:
    return credited(paid)


@pytest.fixture
def operator(db: None) -> User:
    return User.objects.create_superuser("olga@example.com", "olga-password")


def dispute(stripe: SandboxProcess, purchase: Purchase, **words: object) -> str:
    return str(stripe.control(f"sessions/{purchase.stripe_session_id}/dispute", **words)["id"])


def test_withdrawn_funds_take_credits_and_won_gives_them_back(
    alice: User, bought: Purchase, stripe: SandboxProcess
) -> None:
    made = dispute(stripe, bought)
    tell(stripe, "charge.dispute.created", "charge.dispute.funds_withdrawn")
    assert numbers(alice) == (0, 0, 0)

    stripe.control(f"disputes/{made}/close", outcome="won")
    tell(stripe, "charge.dispute.funds_reinstated")
    assert numbers(alice) == (220, 220, 0)
    assert Purchase.objects.get().disputed_minor == 0


def test_a_lost_dispute_keeps_what_it_took(alice: User, bought: Purchase, stripe: SandboxProcess) -> None:
    made = dispute(stripe, bought)
    stripe.control(f"disputes/{made}/close", outcome="lost")
    tell(stripe, "charge.dispute.closed")

    assert numbers(alice) == (0, 0, 0)
    assert Purchase.objects.get().next_sync_at is None


def test_an_inquiry_takes_nothing_until_it_becomes_a_dispute(
    alice: User, bought: Purchase, stripe: SandboxProcess
) -> None:
    made = dispute(stripe, bought, inquiry=True)
    tell(stripe, "charge.dispute.created")
    assert numbers(alice) == (220, 220, 0)

    stripe.control(f"disputes/{made}/escalate")
    tell(stripe, "charge.dispute.updated")
    assert numbers(alice) == (0, 0, 0)


def test_a_refund_and_a_dispute_together_never_take_twice(
    alice: User, bought: Purchase, stripe: SandboxProcess
) -> None:
    stripe.control(f"sessions/{bought.stripe_session_id}/refund", amount=900)
    dispute(stripe, bought)
    tell(stripe)

    assert numbers(alice) == (0, 0, 0)
    purchase = Purchase.objects.get()
    assert (purchase.refunded_minor, purchase.disputed_minor, purchase.returned_minor) == (900, 1800, 1800)


def test_a_dispute_about_a_part_takes_its_share(
    alice: User, bought: Purchase, stripe: SandboxProcess
) -> None:
    dispute(stripe, bought, amount=900)
    tell(stripe)

    assert numbers(alice) == (110, 110, 0)


def test_a_dispute_in_another_settlement_currency_counts_by_its_direction(
    alice: User, bought: Purchase, stripe: SandboxProcess
) -> None:
    made = dispute(stripe, bought)
    moves = {"balance_transactions.0.currency": "eur", "balance_transactions.0.amount": -1654}
    stripe.control(f"objects/{made}", set=moves)
    tell(stripe, "charge.dispute.created")
    assert numbers(alice) == (0, 0, 0)

    stripe.control(f"disputes/{made}/close", outcome="won")
    tell(stripe, "charge.dispute.closed")
    assert numbers(alice) == (220, 220, 0)


def test_a_status_that_nobody_knows_is_kept(alice: User, bought: Purchase, stripe: SandboxProcess) -> None:
    made = dispute(stripe, bought)
    stripe.control(f"objects/{made}", set={"status": "appeal_under_review"})
    tell(stripe, "charge.dispute.created")

    assert Dispute.objects.get().status == "appeal_under_review"
    assert numbers(alice) == (0, 0, 0)
    assert Purchase.objects.get().next_sync_at is not None


def test_operators_are_told_of_a_dispute_once(
    operator: User, bought: Purchase, stripe: SandboxProcess
) -> None:
    dispute(stripe, bought)
    tell(stripe)
    tell(stripe)

    (message,) = Message.objects.filter(topic="staff.disputed")
    assert message.user == operator


def test_a_fraud_warning_holds_what_is_left_of_that_purchase_and_tells(
    alice: User, operator: User, bought: Purchase, stripe: SandboxProcess
) -> None:
    spending.spend(user=alice, amount=50, scope="tests", key="job:1")
    stripe.control(f"sessions/{bought.stripe_session_id}/fraud_warning")
    tell(stripe, "radar.early_fraud_warning.created")

    assert numbers(alice) == (170, 0, 0)
    Message.objects.exclude(topic="staff.fraud_warning").delete()
    send_due()
    (sent,) = mail.outbox
    assert sent.to == ["olga@example.com"]
    assert bought.reference in sent.subject


def test_an_operator_resolves_it_once(alice: User, bought: Purchase, stripe: SandboxProcess) -> None:
    stripe.control(f"sessions/{bought.stripe_session_id}/fraud_warning")
    tell(stripe, "radar.early_fraud_warning.created")
    warning = FraudWarning.objects.get()

    for _ in range(2):
        done = fraud.resolve(warning, reason="known customer", actor="admin:1")
    assert (done.is_open, done.resolution, done.resolved_by) == (False, "known customer", "admin:1")
    assert numbers(alice) == (220, 220, 0)
    tell(stripe, "radar.early_fraud_warning.created")
    deliver({**events(stripe)[-1], "id": "evt_twin"})
    assert numbers(alice) == (220, 220, 0)


def test_an_operator_resolves_it_in_the_admin_with_a_reason(
    alice: User, operator: User, bought: Purchase, stripe: SandboxProcess
) -> None:
    stripe.control(f"sessions/{bought.stripe_session_id}/fraud_warning")
    tell(stripe, "radar.early_fraud_warning.created")
    warning = FraudWarning.objects.get()
    client = Client()
    client.force_login(operator, backend="accounts.backends.PasswordBackend")
    address = f"/admin/purchases/fraudwarning/{warning.pk}/"
    assert f"{address}resolve/" in client.get(f"{address}change/").content.decode()

    assert client.post(f"{address}resolve/", {"reason": "", "key": uuid.uuid4()}).status_code == 200
    assert numbers(alice) == (220, 0, 0)
    client.post(f"{address}resolve/", {"reason": "known customer", "key": uuid.uuid4()})
    assert numbers(alice) == (220, 220, 0)
    action = OperatorAction.objects.get()
    assert (action.kind, action.subject) == ("resolve", f"warning:{warning.stripe_id}")
    assert f"{address}resolve/" not in client.get(f"{address}change/").content.decode()


def test_staff_without_the_permission_cannot_resolve_it(
    alice: User, bought: Purchase, stripe: SandboxProcess
) -> None:
    stripe.control(f"sessions/{bought.stripe_session_id}/fraud_warning")
    tell(stripe, "radar.early_fraud_warning.created")
    helper = User.objects.create_user("hal@example.com", "hal-password", is_staff=True)
    client = Client()
    client.force_login(helper, backend="accounts.backends.PasswordBackend")
    address = f"/admin/purchases/fraudwarning/{FraudWarning.objects.get().pk}/resolve/"

    assert client.get(address).status_code == 403
    assert client.post(address, {"reason": "mine", "key": uuid.uuid4()}).status_code == 403
    assert numbers(alice) == (220, 0, 0)


def test_a_refund_under_a_warning_takes_the_held_credits_and_leaves_no_debt(
    alice: User, bought: Purchase, stripe: SandboxProcess
) -> None:
    stripe.control(f"sessions/{bought.stripe_session_id}/fraud_warning")
    stripe.control(f"sessions/{bought.stripe_session_id}/refund", amount=900)
    tell(stripe, "radar.early_fraud_warning.created")
    assert numbers(alice) == (110, 0, 0)

    stripe.control(f"sessions/{bought.stripe_session_id}/refund")
    tell(stripe)
    assert numbers(alice) == (0, 0, 0)
    assert FraudWarning.objects.get().hold is None


def test_a_warning_before_the_purchase_is_credited_holds_at_once(
    alice: User, paid: Purchase, stripe: SandboxProcess
) -> None:
    stripe.control(f"sessions/{paid.stripe_session_id}/fraud_warning")
    tell(stripe, "radar.early_fraud_warning.created")

    assert numbers(alice) == (220, 0, 0)
