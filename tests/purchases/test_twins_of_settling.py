"""Twins of settling, opening and the way back: each test again, without its guard, and bitten."""

import dataclasses
from typing import Any
from unittest import mock

import pytest
from django.db import IntegrityError
from django.test import Client
from pytest_django.fixtures import Settings

from accounts.models import User
from checkout.models import CheckoutSession, Tier
from credits.deposits import NewLot
from purchases import (
    comparison,
    duplicates,
    fulfilment,
    last_look,
    opening,
    polling,
    stripe_gateway,
    views,
)
from purchases.errors import PaymentNotOpened, StripeRefused, StripeUnavailable
from purchases.fulfilment import Outcome
from purchases.models import Purchase
from purchases.stripe_gateway import StripeSession
from tests.purchases import test_duplicates, test_opening, test_return, test_settle, test_trade
from tests.sandbox_process import SandboxProcess
from tests.twins import bitten

instead = mock.patch.object
RETRIEVE = stripe_gateway.retrieve_session


# --- payments that take days ---


def test_without_the_difference_of_complete_and_paid_a_debit_is_credited_at_once(
    alice: User, opened: Purchase, stripe: SandboxProcess
) -> None:
    with instead(StripeSession, "is_paid", StripeSession.is_complete), bitten("'credited' == 'processing'"):
        test_settle.test_a_delayed_debit_is_processing_then_credited(alice, opened, stripe)


def test_without_a_look_at_the_intent_a_failed_debit_is_processing_for_ever(
    alice: User, opened: Purchase, stripe: SandboxProcess
) -> None:
    with instead(fulfilment, "FAILED_INTENTS", ()), bitten("'processing' == 'failed'"):
        test_settle.test_a_delayed_debit_that_fails_is_failed_and_told(alice, opened, stripe)


def test_without_letters_nobody_is_told_that_it_failed(
    alice: User, opened: Purchase, stripe: SandboxProcess
) -> None:
    with instead(fulfilment, "_tell"), bitten("assert [] == ["):
        test_settle.test_a_delayed_debit_that_fails_is_failed_and_told(alice, opened, stripe)


# --- what was offered, and what was paid ---


@pytest.mark.parametrize(
    "tampering", [{"amount_subtotal": 100}, {"currency": "eur"}, {"metadata.owner": "999999"}]
)
def test_without_the_comparison_anything_paid_is_credited(
    alice: User, paid: Purchase, stripe: SandboxProcess, tampering: dict[str, object]
) -> None:
    with instead(comparison, "mismatch", return_value=""), bitten("'credited' == 'review'"):
        test_settle.test_what_differs_from_the_offer_goes_to_review(alice, paid, stripe, tampering, "")


def whole_price(_truth: StripeSession, subtotal: int | None) -> int | None:
    """As if no discount and no tax could change a total."""
    return subtotal


def test_without_the_discount_in_the_comparison_a_code_costs_the_credits(
    alice: User, plus: Tier, stripe: SandboxProcess, settings: Settings
) -> None:
    with instead(comparison, "_total", whole_price), bitten("assert 0 == 220"):
        test_trade.test_a_partial_discount_gives_all_credits_and_is_recorded(alice, plus, stripe, settings)


def test_without_the_tax_in_the_comparison_it_costs_the_credits(
    alice: User, plus: Tier, stripe: SandboxProcess, settings: Settings
) -> None:
    with instead(comparison, "_total", whole_price), bitten("('review', 2160, 360)"):
        test_trade.test_tax_is_recorded_and_refunded_in_proportion(
            alice, plus, stripe, settings, "exclusive", 2160, 360
        )


def test_without_no_payment_required_a_full_discount_gives_nothing(
    alice: User, paid: Purchase, stripe: SandboxProcess
) -> None:
    only_paid = property(lambda session: session.payment_status == "paid")
    with instead(StripeSession, "is_paid", only_paid), bitten("assert 0 == 220"):
        test_settle.test_a_full_discount_gives_full_credits(alice, paid, stripe)


def seen(**changes: Any) -> Any:
    """Stripe's session, read in another way."""

    def retrieve(session_id: str, **words: Any) -> StripeSession:
        truth = RETRIEVE(session_id, **words)
        return dataclasses.replace(truth, **{name: read(truth) for name, read in changes.items()})

    return instead(stripe_gateway, "retrieve_session", retrieve)


def test_without_our_own_currency_adaptive_pricing_costs_the_credits(
    alice: User, plus: Tier, stripe: SandboxProcess, settings: Settings
) -> None:
    with seen(currency=lambda _truth: "EUR"), bitten("assert 0 == 220"):
        test_trade.test_adaptive_pricing_keeps_our_currency(alice, plus, stripe, settings)


def test_without_stripes_units_a_yen_would_be_a_cent(alice: User, stripe: SandboxProcess) -> None:
    in_cents = seen(amount_total=lambda truth: truth.amount_total * 100)
    with in_cents, bitten("assert 50000 == 500"):
        test_settle.test_a_zero_decimal_currency_is_compared_as_stripe_counts(alice, stripe)


def test_without_the_record_nobody_knows_what_was_paid(paid: Purchase) -> None:
    with instead(fulfilment, "_record"), bitten("where None = <Purchase"):
        test_settle.test_what_was_paid_is_recorded(paid)


def test_without_the_snapshot_a_changed_tier_changes_what_was_bought(
    alice: User, paid: Purchase, plus: Tier
) -> None:
    def of_today(purchase: Purchase) -> list[NewLot]:
        tier = Tier.objects.get(slug=purchase.tier_slug)
        return [NewLot(kind="paid", amount=tier.credits)]

    with instead(fulfilment, "_lots", of_today), bitten("assert 1 == 220"):
        test_settle.test_the_snapshot_is_honoured_when_the_tier_changed(alice, paid, plus)


def test_without_a_purchase_of_its_own_an_inactive_owner_is_taken_for_gone(
    alice: User, paid: Purchase
) -> None:
    def active_owner(purchase_id: int) -> int | None:
        owner = Purchase.objects.get(pk=purchase_id).owner
        return owner.pk if owner is not None and owner.is_active else None

    with instead(fulfilment, "lock_owner_to_credit", active_owner), bitten("'review' == 'credited'"):
        test_settle.test_a_deactivated_owner_is_still_credited(alice, paid)


def test_without_the_look_at_the_owner_nobody_would_be_credited(alice: User, paid: Purchase) -> None:
    stale = instead(fulfilment, "lock_owner_to_credit", return_value=alice.pk)
    with stale, bitten("a purchase without an owner goes to review"):
        test_settle.test_a_deleted_owner_goes_to_review(alice, paid)


# --- late, and twice ---


@pytest.mark.parametrize("end", ["cancel", "expire", "delete"])
def test_without_paid_beating_all_a_late_payment_is_lost(
    alice: User, paid: Purchase, session: CheckoutSession, end: str
) -> None:
    credit = fulfilment._credit

    def in_time(purchase: Purchase, truth: StripeSession, *, via: Purchase.Via) -> None:
        if not purchase.is_late:
            credit(purchase, truth, via=via)

    with instead(fulfilment, "_credit", in_time), bitten("== ('credited', True)"):
        test_settle.test_a_payment_after_the_session_died_is_credited_and_marked_late(
            alice, paid, session, end
        )


def test_without_the_state_of_the_session_late_looks_in_time(
    alice: User, paid: Purchase, session: CheckoutSession
) -> None:
    alive = instead(fulfilment, "_complete_session", return_value=True)
    with alive, bitten("('credited', False) == ('credited', True)"):
        test_settle.test_a_payment_after_the_session_died_is_credited_and_marked_late(
            alice, paid, session, "cancel"
        )


def test_without_a_purchase_beating_its_state_what_was_expired_is_not_credited(
    alice: User, opened: Purchase, stripe: SandboxProcess
) -> None:
    decide = fulfilment._decide

    def unless_ended(purchase: Purchase, truth: StripeSession, **words: Any) -> None:
        if purchase.status != Purchase.Status.EXPIRED:
            decide(purchase, truth, **words)

    with instead(fulfilment, "_decide", unless_ended), bitten("'expired' == 'credited'"):
        test_settle.test_paid_beats_an_expired_purchase(alice, opened, stripe)


def test_without_the_wish_nobody_sees_that_it_was_paid_twice(
    alice: User, opened: Purchase, starter: Tier, stripe: SandboxProcess
) -> None:
    with instead(duplicates, "flag_others", return_value=False), bitten("assert False is True"):
        test_duplicates.test_two_payments_for_one_wish_are_both_credited_and_flagged(
            alice, opened, starter, stripe
        )


# --- opening ---


def test_without_the_look_after_a_refusal_what_is_paid_could_be_paid_again(
    alice: User, paid: Purchase, starter: Tier
) -> None:
    def let_go(purchase: Purchase, _session_id: str) -> Purchase:
        Purchase.objects.filter(pk=purchase.pk).update(status=Purchase.Status.EXPIRED)
        purchase.refresh_from_db()
        return purchase

    with instead(last_look, "_ended", let_go), bitten("Next.TO_STRIPE"):
        test_opening.test_what_was_paid_meanwhile_is_shown_instead(alice, paid, starter)


@pytest.mark.parametrize("fault", [{"kind": "status", "status": 429}, {"kind": "half"}, {"kind": "reset"}])
def test_without_the_difference_of_no_answer_and_a_refusal_a_purchase_would_be_closed(
    alice: User, session: CheckoutSession, stripe: SandboxProcess, fault: dict[str, object]
) -> None:
    real = stripe_gateway.create_session

    def definite(*args: Any, **words: Any) -> StripeSession:
        try:
            return real(*args, **words)
        except StripeUnavailable as error:
            raise StripeRefused(status=500, code=None, request_id=None) from error

    with instead(stripe_gateway, "create_session", definite), pytest.raises(PaymentNotOpened):
        test_opening.test_no_definite_answer_keeps_the_purchase(alice, session, stripe, fault)
    assert Purchase.objects.get().status == "failed"


def test_without_the_look_for_a_live_purchase_a_second_click_meets_the_constraint(
    alice: User, session: CheckoutSession, opened: Purchase
) -> None:
    with instead(opening, "LIVE", []), pytest.raises(IntegrityError, match="one_live"):
        test_opening.test_asking_again_gives_the_same_page(alice, session, opened)


# --- the way back ---


def test_without_the_difference_of_no_answer_and_a_no_a_silent_stripe_looks_like_a_failure(
    alice_client: Client, paid: Purchase, stripe: SandboxProcess
) -> None:
    ask = polling.ask

    def hasty(purchase: Purchase, session_id: str, **words: Any) -> tuple[Purchase, Outcome | None]:
        known, outcome = ask(purchase, session_id, **words)
        if outcome is None:
            known.status = Purchase.Status.FAILED
        return known, outcome

    with instead(polling, "ask", hasty), bitten("'failed' == 'processing'"):
        test_return.test_stripe_away_is_processing_never_failed(alice_client, paid, stripe)


def test_without_the_refusal_another_sees_the_purchase(
    alice: User, charlie: User, charlie_client: Client, paid: Purchase
) -> None:
    with instead(views, "_refusal", return_value=None), bitten("assert 200 == 404"):
        test_return.test_somebody_else_sees_nothing_and_the_owner_is_credited(
            alice, charlie, charlie_client, paid
        )


def test_without_the_refusal_a_stranger_sees_the_purchase(alice: User, paid: Purchase) -> None:
    with instead(views, "_refusal", return_value=None), bitten("assert 200 == 302"):
        test_return.test_a_stranger_is_led_to_sign_in_and_the_owner_credited(alice, paid)


@pytest.mark.parametrize("forged", ["{CHECKOUT_SESSION_ID}", "cs_test_forged123", ""])
def test_without_the_look_at_the_id_a_forged_one_is_shown(
    alice_client: Client, paid: Purchase, stripe: SandboxProcess, forged: str
) -> None:
    with instead(views, "_is_session_of", return_value=True), bitten("assert 200 == 404"):
        test_return.test_a_forged_id_is_404_without_asking_stripe(alice_client, paid, stripe, forged)


def test_without_our_own_books_each_reload_asks_stripe(
    alice_client: Client, paid: Purchase, stripe: SandboxProcess
) -> None:
    result = views._result

    def asked_anew(request: Any, purchase: Purchase, outcome: Outcome | None) -> Any:
        RETRIEVE(purchase.stripe_session_id or "")
        return result(request, purchase, outcome)

    with instead(views, "_result", asked_anew), bitten("51 == 1"):
        test_return.test_fifty_reloads_ask_stripe_once(alice_client, paid, stripe)


def test_without_the_difference_of_get_and_head_a_glance_settles(
    alice: User, alice_client: Client, paid: Purchase
) -> None:
    with instead(alice_client, "head", alice_client.get), bitten("assert 220 == 0"):
        test_return.test_head_is_harmless(alice, alice_client, paid)
