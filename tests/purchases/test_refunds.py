"""Refunds made at Stripe: credits go back with the money, whatever order the news comes in."""

from datetime import timedelta
from unittest import mock

import pytest
from django.core import mail
from django.db.models.functions import Now

from accounts.models import User
from checkout import sessions
from checkout.models import Tier
from credits import spending
from outbox.models import Message
from outbox.sending import send_due
from purchases import backfill, opening, refunds
from purchases import sweep as sweeping
from purchases.errors import StripeUnavailable
from purchases.fulfilment import settle
from purchases.models import Purchase, Refund, StripeEvent
from tests.purchases.conftest import deliver, event
from tests.purchases.returning import credited, events, numbers, tell
from tests.sandbox_process import SandboxProcess

VIA = Purchase.Via.WEBHOOK


@pytest.fixture
def bought(paid: Purchase) -> Purchase:
    return credited(paid)


def give_back(stripe: SandboxProcess, purchase: Purchase, **words: object) -> str:
    return str(stripe.control(f"sessions/{purchase.stripe_session_id}/refund", **words)["id"])


def test_a_full_refund_takes_all_credits(alice: User, bought: Purchase, stripe: SandboxProcess) -> None:
    give_back(stripe, bought)
    tell(stripe, "charge.refunded")

    assert numbers(alice) == (0, 0, 0)
    bought.refresh_from_db()
    assert (bought.status, bought.refunded_minor, bought.credits_taken) == ("credited", 1800, 220)


@pytest.mark.parametrize("kind", ["refund.created", "charge.refunded"])
def test_a_part_takes_its_share_by_either_event(
    alice: User, bought: Purchase, stripe: SandboxProcess, kind: str
) -> None:
    give_back(stripe, bought, amount=1000)
    tell(stripe, kind)

    # floor(200 x 1000 / 1800) + floor(20 x 1000 / 1800)
    assert numbers(alice) == (220 - 111 - 11, 220 - 111 - 11, 0)
    assert Refund.objects.get().status == "succeeded"


def test_several_refunds_add_up(alice: User, bought: Purchase, stripe: SandboxProcess) -> None:
    for amount in (600, 700, 500):
        give_back(stripe, bought, amount=amount)
    tell(stripe)

    assert numbers(alice) == (0, 0, 0)
    assert Refund.objects.count() == 3


def test_repeats_and_second_events_change_nothing(
    alice: User, bought: Purchase, stripe: SandboxProcess
) -> None:
    give_back(stripe, bought, amount=900)
    for number in range(5):
        for told in events(stripe):
            deliver({**told, "id": f"{told['id']}_{number}"})

    assert numbers(alice) == (110, 110, 0)
    assert Message.objects.filter(topic="purchase.refunded").count() == 1


@pytest.mark.parametrize("end", ["fail", "cancel"])
def test_a_refund_that_ends_badly_gives_back(
    alice: User, bought: Purchase, stripe: SandboxProcess, end: str
) -> None:
    status = "succeeded" if end == "fail" else "requires_action"
    refund = give_back(stripe, bought, status=status)
    tell(stripe)
    assert numbers(alice)[0] == (0 if end == "fail" else 220)

    stripe.control(f"refunds/{refund}/{end}")
    tell(stripe)
    assert numbers(alice) == (220, 220, 0)
    assert Refund.objects.get().status == ("failed" if end == "fail" else "canceled")


def test_buyer_and_staff_are_told_of_a_refund_that_fails_later(
    alice: User, bought: Purchase, stripe: SandboxProcess
) -> None:
    User.objects.create_superuser("olga@example.com", "olga-password")
    refund = give_back(stripe, bought, amount=900)
    tell(stripe)
    stripe.control(f"refunds/{refund}/fail")
    tell(stripe)
    tell(stripe)

    Message.objects.exclude(topic__contains="refund_failed").delete()
    send_due()
    assert sorted(letter.to[0] for letter in mail.outbox) == ["alice@example.com", "olga@example.com"]
    assert {str(letter.subject) for letter in mail.outbox} == {
        "Your refund of $9.00 did not arrive",
        f"Coffer: a refund of purchase {bought.reference} failed",
    }


def test_a_pending_refund_counts_and_is_asked_about_daily(
    alice: User, bought: Purchase, stripe: SandboxProcess
) -> None:
    refund = give_back(stripe, bought, status="pending")
    tell(stripe)
    assert numbers(alice) == (0, 0, 0)
    asked_again_in = Purchase.objects.get().next_sync_at - Refund.objects.get().created_at  # type: ignore[operator]
    assert timedelta(hours=23) < asked_again_in < timedelta(hours=25)

    stripe.control(f"refunds/{refund}/fail")
    Purchase.objects.update(next_sync_at=Now() - timedelta(seconds=1))
    assert sweeping.sweep() == sweeping.Swept(checked=1)
    assert numbers(alice) == (220, 220, 0)
    assert Purchase.objects.get().next_sync_at is None


def test_spent_credits_become_debt_after_other_bought_ones(
    alice: User, bought: Purchase, stripe: SandboxProcess, starter: Tier
) -> None:
    spending.spend(user=alice, amount=220, scope="tests", key="job:1")
    other = opening.open_payment(owner=alice, session=sessions.start(owner=alice, tier=starter)).purchase
    stripe.pay(other.stripe_session_id or "")
    credited(other)
    assert numbers(alice) == (50, 50, 0)

    give_back(stripe, bought)
    tell(stripe, "charge.refunded")
    assert numbers(alice) == (0, 0, 170)


def test_held_credits_stay_held(alice: User, bought: Purchase, stripe: SandboxProcess) -> None:
    spending.hold(user=alice, amount=100, scope="tests", key="job:1")
    give_back(stripe, bought)
    tell(stripe)

    assert numbers(alice) == (100, 0, 100)


def test_a_refund_seen_before_the_purchase(alice: User, paid: Purchase, stripe: SandboxProcess) -> None:
    give_back(stripe, paid, amount=900)
    tell(stripe, "refund.created")

    assert numbers(alice) == (110, 110, 0)
    assert Purchase.objects.get().status == "credited"


def test_a_refund_that_nobody_told_us_of_is_found_while_settling(
    alice: User, paid: Purchase, stripe: SandboxProcess
) -> None:
    give_back(stripe, paid, amount=900)

    settle(paid.stripe_session_id or "", via=VIA)
    assert numbers(alice) == (110, 110, 0)


def test_a_refund_whose_webhook_was_lost_is_found_by_the_backfill(
    alice: User, bought: Purchase, stripe: SandboxProcess
) -> None:
    give_back(stripe, bought, amount=900)

    backfill.backfill()
    assert numbers(alice) == (110, 110, 0)


def test_a_person_who_waits_is_not_kept_waiting_for_it(
    alice: User, paid: Purchase, stripe: SandboxProcess
) -> None:
    give_back(stripe, paid, amount=900)

    settle(paid.stripe_session_id or "", via=Purchase.Via.RETURN, is_hurried=True)
    assert numbers(alice) == (220, 220, 0)
    sweeping.sweep()
    assert numbers(alice) == (110, 110, 0)


def test_a_refund_recorded_in_review_counts_once_it_is_credited(
    alice: User, opened: Purchase, stripe: SandboxProcess
) -> None:
    stripe.pay(opened.stripe_session_id or "", **{"metadata.owner": "999999"})
    settle(opened.stripe_session_id or "", via=VIA)
    give_back(stripe, opened, amount=900)
    tell(stripe, "charge.refunded")
    assert (Purchase.objects.get().status, numbers(alice)) == ("review", (0, 0, 0))

    stripe.control(f"sessions/{opened.stripe_session_id}/tamper", **{"metadata.owner": str(alice.pk)})
    settle(opened.stripe_session_id or "", via=VIA)
    assert numbers(alice) == (110, 110, 0)


def test_the_buyer_is_told_once_a_refund(alice: User, bought: Purchase, stripe: SandboxProcess) -> None:
    give_back(stripe, bought, amount=900)
    tell(stripe)
    Message.objects.exclude(topic="purchase.refunded").delete()
    send_due()

    (sent,) = mail.outbox
    assert sent.subject == "$9.00 refunded by Coffer"
    assert "110 credits of this purchase were taken back" in sent.body
    assert f"/purchases/{bought.uuid}/" in sent.body


def test_a_free_purchase_has_nothing_to_take_back(alice: User, bought: Purchase) -> None:
    Purchase.objects.update(amount_total=0)
    bought.refresh_from_db()

    assert refunds.credits_for(bought, returned_minor=100) == 0


@pytest.mark.parametrize("kind", ["charge.refunded", "refund.updated", "charge.dispute.created"])
def test_money_that_is_not_ours_is_ignored(stripe: SandboxProcess, db: None, kind: str) -> None:
    told = {"id": "re_x", "object": kind.split(".")[0], "charge": "ch_x", "payment_intent": "pi_x"}

    assert deliver(event(kind, told)).status_code == 200
    assert StripeEvent.objects.get().state == "ignored"


def test_while_stripe_is_down_the_event_waits(alice: User, bought: Purchase, stripe: SandboxProcess) -> None:
    give_back(stripe, bought)
    told = events(stripe)[-1]
    stripe.control("faults", endpoint="*", kind="status", status=503, count=50)

    assert deliver(told).status_code == 500
    assert numbers(alice) == (220, 220, 0)
    stripe.control("faults/clear")
    StripeEvent.objects.update(next_attempt_at=Now())
    sweeping.sweep()
    assert numbers(alice) == (0, 0, 0)


def test_stripe_down_is_said(bought: Purchase, stripe: SandboxProcess) -> None:
    stripe.control("faults", endpoint="*", kind="reset", count=50)

    with pytest.raises(StripeUnavailable):
        refunds.sync(bought, via=VIA)


def test_an_answer_to_an_older_question_is_dropped(
    alice: User, bought: Purchase, stripe: SandboxProcess
) -> None:
    refund = give_back(stripe, bought)
    old = refunds.stripe_gateway.returns_of(bought.payment_intent or "", told={})  # type: ignore[attr-defined]
    number = refunds._take_number(bought)
    stripe.control(f"refunds/{refund}/fail")
    refunds.sync(bought, via=VIA)

    refunds.book(bought, old, number=number, via=VIA)
    assert numbers(alice) == (220, 220, 0)


def test_without_the_numbers_an_old_answer_would_win(
    alice: User, bought: Purchase, stripe: SandboxProcess
) -> None:
    """The twin: every question gets the highest number."""
    refund = give_back(stripe, bought)
    old = refunds.stripe_gateway.returns_of(bought.payment_intent or "", told={})  # type: ignore[attr-defined]
    stripe.control(f"refunds/{refund}/fail")
    refunds.sync(bought, via=VIA)

    late = refunds._take_number(bought)
    with mock.patch.object(refunds, "_take_number", return_value=late):
        refunds.book(bought, old, number=late, via=VIA)
    assert numbers(alice) == (0, 0, 0)
