"""Twins of refunds, disputes and what waits for days: each test again, without its guard, and bitten."""

from datetime import timedelta
from typing import Any
from unittest import mock

import pytest

from accounts.models import User
from checkout.models import Tier
from purchases import fraud, inbox, refunds, returned
from purchases import sweep as sweeping
from purchases.fulfilment import Outcome, Settlement, settle
from purchases.models import Dispute, Purchase, Refund
from tests.purchases import test_delayed, test_disputes, test_refunds
from tests.purchases.returning import credited
from tests.purchases.test_twins_of_nets import believed
from tests.sandbox_process import SandboxProcess
from tests.twins import bitten

instead = mock.patch.object


@pytest.fixture
def bought(paid: Purchase) -> Purchase:
    return credited(paid)


@pytest.fixture
def debited(opened: Purchase, stripe: SandboxProcess) -> Purchase:
    stripe.pay(opened.stripe_session_id or "", method="bank_debit")
    settle(opened.stripe_session_id or "", via=Purchase.Via.RETURN)
    return Purchase.objects.get()


# --- refunds ---


def test_without_a_target_each_event_of_a_refund_takes_its_share_again(
    alice: User, bought: Purchase, stripe: SandboxProcess
) -> None:
    total = returned.refunded_minor

    def on_top(purchase: Purchase, truth: Any) -> int:
        return purchase.refunded_minor + total(purchase, truth)

    with instead(returned, "refunded_minor", on_top), bitten("(0, 0, 0) == (110, 110, 0)"):
        test_refunds.test_repeats_and_second_events_change_nothing(alice, bought, stripe)


@pytest.mark.parametrize(("end", "harm"), [("fail", "(0, 0, 0) == (220, 220, 0)"), ("cancel", "0 == 220")])
def test_without_its_state_a_refund_that_ended_badly_keeps_the_credits(
    alice: User, bought: Purchase, stripe: SandboxProcess, end: str, harm: str
) -> None:
    with instead(Refund, "counts", True), bitten(harm):
        test_refunds.test_a_refund_that_ends_badly_gives_back(alice, bought, stripe, end)


def test_without_their_ids_several_refunds_are_the_last_one(
    alice: User, bought: Purchase, stripe: SandboxProcess
) -> None:
    def newest(purchase: Purchase, _truth: Any) -> int:
        last = Refund.objects.filter(purchase=purchase).order_by("pk").last()
        return last.amount_minor if last else 0

    with instead(returned, "refunded_minor", newest), bitten("== (0, 0, 0)"):
        test_refunds.test_several_refunds_add_up(alice, bought, stripe)


def test_without_the_ledgers_debt_spent_credits_could_be_refunded_for_nothing(
    alice: User, bought: Purchase, stripe: SandboxProcess, starter: Tier
) -> None:
    with instead(refunds, "take_back"), bitten("(50, 50, 0) == (0, 0, 170)"):
        test_refunds.test_spent_credits_become_debt_after_other_bought_ones(alice, bought, stripe, starter)


def test_without_the_purchase_first_a_refund_before_it_is_nobodys(
    alice: User, paid: Purchase, stripe: SandboxProcess
) -> None:
    nobodys = Settlement(outcome=Outcome.NOT_OURS, purchase=None)
    with instead(inbox, "settle", return_value=nobodys), bitten("(0, 0, 0) == (110, 110, 0)"):
        test_refunds.test_a_refund_seen_before_the_purchase(alice, paid, stripe)


def test_without_the_look_while_settling_an_untold_refund_costs_nothing(
    alice: User, paid: Purchase, stripe: SandboxProcess
) -> None:
    def unasked(purchase: Purchase, **_words: Any) -> Purchase:
        return purchase

    with instead(refunds, "try_sync", unasked), bitten("(220, 220, 0) == (110, 110, 0)"):
        test_refunds.test_a_refund_that_nobody_told_us_of_is_found_while_settling(alice, paid, stripe)


# --- disputes ---


def when_opened(purchase: Purchase) -> int:
    """As if a dispute took its money as soon as it is there, and for good."""
    return sum(Dispute.objects.filter(purchase=purchase).values_list("amount_minor", flat=True))


def test_without_the_money_an_inquiry_takes_credits(
    alice: User, bought: Purchase, stripe: SandboxProcess
) -> None:
    with instead(returned, "disputed_minor", when_opened), bitten("(0, 0, 0) == (220, 220, 0)"):
        test_disputes.test_an_inquiry_takes_nothing_until_it_becomes_a_dispute(alice, bought, stripe)


def test_without_the_money_a_dispute_that_was_won_gives_nothing_back(
    alice: User, bought: Purchase, stripe: SandboxProcess
) -> None:
    with instead(returned, "disputed_minor", when_opened), bitten("(0, 0, 0) == (220, 220, 0)"):
        test_disputes.test_withdrawn_funds_take_credits_and_won_gives_them_back(alice, bought, stripe)


def test_without_the_price_as_a_limit_refund_and_dispute_take_twice(
    alice: User, bought: Purchase, stripe: SandboxProcess
) -> None:
    both = property(lambda purchase: purchase.refunded_minor + purchase.disputed_minor)
    with instead(Purchase, "returned_minor", both), bitten("== (900, 1800, 1800)"):
        test_disputes.test_a_refund_and_a_dispute_together_never_take_twice(alice, bought, stripe)


def test_without_the_hold_a_warned_purchase_can_be_spent(
    alice: User, bought: Purchase, operator: User, stripe: SandboxProcess
) -> None:
    with instead(fraud, "hold"), bitten("(170, 170, 0) == (170, 0, 0)"):
        test_disputes.test_a_fraud_warning_holds_what_is_left_of_that_purchase_and_tells(
            alice, operator, bought, stripe
        )


@pytest.fixture
def operator(db: None) -> User:
    return User.objects.create_superuser("olga@example.com", "olga-password")


# --- payments that take days ---


@pytest.mark.django_db(transaction=True)
def test_without_asking_the_end_of_a_debit_is_not_found(
    alice: User, debited: Purchase, stripe: SandboxProcess
) -> None:
    with instead(sweeping, "_claim", return_value=[]), bitten("'processing' == 'credited'"):
        test_delayed.test_the_end_is_found_by_asking_and_told(
            alice, debited, stripe, True, "credited", 220, "220 credits added at Coffer"
        )


@pytest.mark.django_db(transaction=True)
def test_without_a_pace_of_its_own_a_debit_would_be_asked_about_monthly(debited: Purchase) -> None:
    with instead(sweeping, "DAILY", timedelta(days=30)), bitten("== ("):
        test_delayed.test_it_is_asked_about_daily_for_as_long_as_it_takes(debited)


@pytest.mark.django_db(transaction=True)
def test_without_asking_the_last_event_of_a_debit_wins(
    alice: User, debited: Purchase, stripe: SandboxProcess
) -> None:
    with instead(inbox, "_settle_session", believed), bitten("assert 0 == 220"):
        test_delayed.test_succeeded_before_completed_and_failed_after_success(alice, debited, stripe)
