"""refund() and preview(): an operator returns money, and sees before what that takes."""

import json
import uuid
from datetime import timedelta

import pytest
from django.db.models.functions import Now

from accounts.models import User
from credits import spending
from credits.models import LedgerTransaction
from credits.proof import prove
from purchases import refunds
from purchases import sweep as sweeping
from purchases.errors import RefundNotPossible, RefundRefused, StripeUnavailable
from purchases.models import Purchase, Refund
from tests.purchases.returning import credited, numbers
from tests.sandbox_process import SandboxProcess


@pytest.fixture
def bought(paid: Purchase) -> Purchase:
    return credited(paid)


def give_back(purchase: Purchase, amount_minor: int = 900, key: uuid.UUID | None = None) -> Refund:
    return refunds.refund(
        purchase, amount_minor=amount_minor, reason="asked by the buyer", actor="admin:1", key=key
    )


def made_at_stripe(stripe: SandboxProcess) -> int:
    return len({call["idempotency_key"] for call in stripe.requests(method="POST", path="/v1/refunds")})


def test_it_returns_money_and_takes_credits(alice: User, bought: Purchase) -> None:
    made = give_back(bought)

    assert (made.status, made.amount_minor, made.actor) == ("succeeded", 900, "admin:1")
    assert numbers(alice) == (110, 110, 0)


def test_a_preview_says_what_it_takes_and_leaves_nothing(alice: User, bought: Purchase) -> None:
    spending.spend(user=alice, amount=200, scope="tests", key="job:1")
    before = LedgerTransaction.objects.count()

    seen = refunds.preview(bought, amount_minor=900)

    assert (seen.credits, seen.debt, seen.balance_before, seen.balance_after) == (110, 90, 20, 0)
    assert (seen.amount_minor, seen.most_minor) == (900, 1800)
    assert LedgerTransaction.objects.count() == before
    assert numbers(alice) == (20, 20, 0)
    assert Purchase.objects.get().refunded_minor == 0


def test_what_a_preview_logs_says_that_it_was_rolled_back(
    bought: Purchase, caplog: pytest.LogCaptureFixture
) -> None:
    refunds.preview(bought, amount_minor=900)
    previewed = [json.loads(line) for line in caplog.messages]
    caplog.clear()
    give_back(bought)
    done = [json.loads(line) for line in caplog.messages]

    for lines, is_rolled_back in ((previewed, True), (done, None)):
        taken = [line for line in lines if line["event"] in ("credits_claw_back", "credits_taken_back")]
        assert len(taken) == 2
        assert {line.get("rolled_back") for line in taken} == {is_rolled_back}


@pytest.mark.parametrize("amount", [0, -1, 1801])
def test_too_much_or_nothing_is_not_asked_for(bought: Purchase, stripe: SandboxProcess, amount: int) -> None:
    for verb in (lambda: give_back(bought, amount), lambda: refunds.preview(bought, amount_minor=amount)):
        with pytest.raises(RefundNotPossible):
            verb()
    assert made_at_stripe(stripe) == 0
    assert Refund.objects.count() == 0


def test_not_more_than_is_left(bought: Purchase) -> None:
    give_back(bought, 1000)

    with pytest.raises(RefundNotPossible):
        give_back(bought, 801)
    assert give_back(bought, 800).status == "succeeded"


def test_an_unpaid_purchase_is_not_refunded(opened: Purchase) -> None:
    with pytest.raises(RefundNotPossible):
        give_back(opened)


def test_the_same_form_sent_twice_is_one_refund(
    alice: User, bought: Purchase, stripe: SandboxProcess
) -> None:
    key = uuid.uuid4()

    assert give_back(bought, key=key).pk == give_back(bought, key=key).pk
    assert (made_at_stripe(stripe), numbers(alice)) == (1, (110, 110, 0))
    with pytest.raises(RefundNotPossible):
        give_back(bought, 100, key=key)


@pytest.mark.parametrize("when", ["before", "after"])
def test_an_answer_that_was_lost_is_asked_for_again(
    alice: User, bought: Purchase, stripe: SandboxProcess, when: str
) -> None:
    stripe.control("faults", endpoint="POST /v1/refunds", kind="reset", when=when, count=2)
    with pytest.raises(StripeUnavailable):
        give_back(bought)
    assert Refund.objects.get().status == "asking"
    with pytest.raises(RefundNotPossible):
        give_back(bought)

    Purchase.objects.update(next_sync_at=Now() - timedelta(seconds=1))
    sweeping.sweep()
    assert (Refund.objects.get().status, numbers(alice)) == ("succeeded", (110, 110, 0))
    assert stripe.control("objects/" + str(Refund.objects.get().stripe_id), set={})["amount"] == 900


def test_a_500_that_acted_is_found_by_our_own_id(
    alice: User, bought: Purchase, stripe: SandboxProcess
) -> None:
    stripe.control("faults", endpoint="POST /v1/refunds", kind="status", status=500, when="after", count=3)

    assert give_back(bought).status == "succeeded"
    assert numbers(alice) == (110, 110, 0)


def test_a_refusal_is_said_and_moves_nothing(alice: User, bought: Purchase, stripe: SandboxProcess) -> None:
    stripe.control("faults", endpoint="POST /v1/refunds", kind="status", status=400)

    with pytest.raises(RefundRefused):
        give_back(bought)
    assert (Refund.objects.get().status, numbers(alice)) == ("refused", (220, 220, 0))
    assert give_back(bought).status == "succeeded"


def test_a_disputed_charge_is_refused_by_stripe(bought: Purchase, stripe: SandboxProcess) -> None:
    stripe.control(f"sessions/{bought.stripe_session_id}/dispute")

    with pytest.raises(RefundRefused, match="charge_disputed"):
        give_back(bought)


def test_the_ledger_is_whole_after_a_preview_and_a_refund(alice: User, bought: Purchase) -> None:
    refunds.preview(bought, amount_minor=1800)
    give_back(bought, 1800)

    assert prove().problems == []
