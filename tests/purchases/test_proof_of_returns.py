"""The proof's second half: refunds and disputes at Stripe against those booked here, both ways."""

from datetime import timedelta

import pytest

from accounts.models import User
from checkout.locks import database_now
from credits.balances import balance_of
from purchases import proof, refunds
from purchases.fulfilment import settle
from purchases.models import ProofReport, Purchase, Refund
from tests.sandbox_process import SandboxProcess


def prove() -> ProofReport:
    now = database_now()
    return proof.prove(from_at=now - timedelta(days=2), to_at=now + timedelta(hours=1))


@pytest.fixture
def credited(paid: Purchase) -> Purchase:
    settle(paid.stripe_session_id or "", via=Purchase.Via.WEBHOOK)
    return Purchase.objects.get(pk=paid.pk)


def test_a_refund_that_is_booked_is_fine(credited: Purchase) -> None:
    refunds.refund(credited, amount_minor=900, reason="x", actor="x")

    report = prove()
    assert report.is_fine
    assert (report.returned, report.returned_missing) == (1, 0)
    assert {report.totals["USD"][name] for name in ("returned_minor", "booked_minor")} == {900}


@pytest.mark.parametrize("what", ["refund", "dispute"])
def test_what_went_back_unseen_is_booked(
    alice: User, credited: Purchase, stripe: SandboxProcess, what: str
) -> None:
    stripe.control(f"sessions/{credited.stripe_session_id}/{what}")

    report = prove()
    assert (report.returned, report.returned_missing, report.odd) == (1, 1, 0)
    assert [found["kind"] for found in report.findings] == ["returned"]
    assert balance_of(alice).available == 0
    assert prove().is_fine


def test_a_refund_that_failed_unseen_gives_back(
    alice: User, credited: Purchase, stripe: SandboxProcess
) -> None:
    made = refunds.refund(credited, amount_minor=900, reason="x", actor="x")
    stripe.control(f"refunds/{made.stripe_id}/fail")

    assert prove().returned_missing == 1
    assert balance_of(alice).available == 220


def test_a_payment_and_its_refund_are_both_found_missing(
    alice: User, paid: Purchase, stripe: SandboxProcess
) -> None:
    stripe.control(f"sessions/{paid.stripe_session_id}/refund", amount=900)

    report = prove()
    assert (report.missing, report.settled, report.odd) == (1, 1, 0)
    assert balance_of(alice).available == 110


def test_a_refund_that_stripe_does_not_know_is_odd(credited: Purchase) -> None:
    Refund.objects.create(purchase=credited, stripe_id="re_invented", amount_minor=1, status="succeeded")

    report = prove()
    assert report.odd == 1
    assert report.findings[0]["what"] == "re_invented is booked here, but Stripe does not know it"


def test_another_programs_refund_is_left_alone(credited: Purchase, stripe: SandboxProcess) -> None:
    made = stripe.control(f"sessions/{credited.stripe_session_id}/refund", amount=5)
    stripe.control(f"objects/{made['id']}", set={"payment_intent": "pi_theirs"})

    report = prove()
    assert (report.returned, report.odd) == (0, 0)


@pytest.mark.parametrize("path", ["refunds", "disputes"])
def test_a_stripe_without_such_a_list_is_passed_by(
    credited: Purchase, stripe: SandboxProcess, path: str
) -> None:
    stripe.control("faults", endpoint=f"GET /v1/{path}", kind="status", status=404)

    assert prove().is_fine
