"""Twins of the nets, the webhook and settling's one transaction: each test again, without its guard, and bitten."""

import contextlib
import dataclasses
import itertools
from collections.abc import Iterator
from typing import Any
from unittest import mock

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from accounts.models import User
from checkout.models import CheckoutSession
from credits import deposits
from credits.balances import balance_of
from purchases import (
    backfill,
    fulfilment,
    inbox,
    polling,
    proof,
    rebuilding,
    signed_metadata,
    stripe_gateway,
    webhooks,
)
from purchases import sweep as sweeping
from purchases.errors import PurchasesError, StripeUnavailable
from purchases.fulfilment import Outcome, Settlement
from purchases.models import Purchase, StripeEvent
from tests.purchases import test_backfill, test_proof, test_return, test_settle, test_sweep, test_webhook
from tests.sandbox_process import SandboxProcess
from tests.twins import Never, bitten

instead = mock.patch.object
STORE = inbox.store


# --- each net alone: with that net away, nothing else credits in its test ---


def test_without_the_webhook_its_payment_is_not_credited(alice: User, paid: Purchase) -> None:
    with instead(inbox, "handle"), bitten("assert 0 == 220"):
        test_webhook.test_a_completed_session_is_credited(alice, paid)


def test_without_the_return_page_its_payment_is_not_credited(
    alice: User, alice_client: Client, paid: Purchase
) -> None:
    unasked = instead(polling, "ask", lambda purchase, _session, **_words: (purchase, None))
    with unasked, bitten("(200, 'processing') == (200, 'credited')"):
        test_return.test_the_buyer_comes_back_to_credits(alice, alice_client, paid)


def test_without_the_sweep_its_payment_is_not_credited(alice: User, paid: Purchase) -> None:
    with instead(sweeping, "_claim", return_value=[]), bitten("checked: 0 != 1"):
        test_sweep.test_a_payment_nobody_told_us_of_is_credited(alice, paid)


def test_without_the_backfill_its_payment_is_not_credited(alice: User, paid: Purchase) -> None:
    with instead(backfill, "_take_in"), bitten("(0, 0, 0) == (1, 0, 0)"):
        test_backfill.test_an_event_nobody_brought_is_credited(alice, paid)


def test_without_the_proof_its_payment_is_not_credited(alice: User, paid: Purchase, admin: User) -> None:
    with instead(proof, "settle", side_effect=StripeUnavailable), bitten("(1, 1, 0, 1) == (1, 1, 1, 0)"):
        test_proof.test_what_is_missing_is_settled_and_told(alice, paid, admin)


# --- one credit, however often it is told ---


@contextlib.contextmanager
def forgetful() -> Iterator[None]:
    """Nobody remembers what was credited: no mark, and a key and a source of its own for each grant."""
    grant, save, numbers = deposits.grant, fulfilment._save, itertools.count()

    def keyless(**words: Any) -> Any:
        new = {name: f"{words[name]}:{next(numbers)}" for name in ("key", "source")}
        return grant(**{**words, **new})

    def unmarked(purchase: Purchase, **fields: object) -> None:
        save(purchase, **({} if fields.get("status") == Purchase.Status.CREDITED else fields))

    with instead(deposits, "grant", keyless), instead(fulfilment, "_save", unmarked):
        yield


def handled_each_time(event: dict[str, Any], **words: Any) -> StripeEvent | None:
    stored = STORE(event, **words)
    if stored is not None:
        stored.state = StripeEvent.State.WAITING
    return stored


def test_without_memory_an_event_told_twenty_times_is_twenty_credits(alice: User, paid: Purchase) -> None:
    with forgetful(), instead(inbox, "store", handled_each_time), bitten("assert 4400 == 220"):
        test_webhook.test_the_same_event_twenty_times_is_one_credit(alice, paid)


def test_without_memory_two_events_of_a_session_are_two_credits(alice: User, paid: Purchase) -> None:
    with forgetful(), bitten("assert 440 == 220"):
        test_webhook.test_two_events_for_one_session_are_one_credit(alice, paid)


def test_without_the_way_from_an_intent_its_event_credits_nothing(
    alice: User, paid: Purchase, stripe: SandboxProcess
) -> None:
    with instead(inbox, "_session_behind", return_value=""), bitten("assert 0 == 220"):
        test_webhook.test_a_payment_intent_event_is_a_signal_for_its_session(alice, paid, stripe)


# --- an event is a hint, the truth is asked ---


def believed(event: StripeEvent, *, via: Purchase.Via) -> Outcome:
    """Book what the event shows, instead of asking."""
    truth = stripe_gateway.retrieve_session(event.object_id)
    status = "expired" if event.type.endswith("expired") else "complete"
    shown = dataclasses.replace(truth, status=status, payment_status="unpaid")
    purchase = Purchase.objects.get(stripe_session_id=event.object_id)
    return Outcome(fulfilment.book(purchase, shown, via=via).status)


def test_without_asking_an_expired_event_ends_what_was_paid(alice: User, paid: Purchase) -> None:
    with instead(inbox, "_settle_session", believed), bitten("assert 0 == 220"):
        test_webhook.test_expired_after_paid_lets_the_truth_win(alice, paid)


def test_without_the_session_of_the_event_the_newer_purchase_ends(
    alice: User, opened: Purchase, stripe: SandboxProcess
) -> None:
    def of_the_newest(session_id: str, *, via: Purchase.Via) -> Settlement:
        newest = Purchase.objects.latest("pk")
        booked = fulfilment.book(newest, stripe_gateway.retrieve_session(session_id), via=via)
        return Settlement(outcome=Outcome(booked.status), purchase=booked)

    with instead(inbox, "settle", of_the_newest), bitten("'expired' == 'open'"):
        test_webhook.test_an_old_purchases_end_leaves_the_newer_one_alone(alice, opened, stripe)


# --- nothing half done ---


def test_without_waiting_an_event_whose_handler_died_is_lost(alice: User, paid: Purchase) -> None:
    def done_when_stored(event: dict[str, Any]) -> StripeEvent | None:
        stored = STORE(event)
        StripeEvent.objects.update(state=StripeEvent.State.HANDLED)
        return stored

    with instead(inbox, "store", done_when_stored), bitten("{'handled': 0, 'waiting': 0}"):
        test_webhook.test_an_event_whose_handler_died_is_handled_by_the_sweep(alice, paid)


def test_without_waiting_an_event_that_failed_is_not_handled_again(
    alice: User, paid: Purchase, stripe: SandboxProcess
) -> None:
    with instead(inbox, "UnknownAtStripe", PurchasesError), bitten("assert 200 == 500"):
        test_webhook.test_an_event_that_cannot_be_handled_is_kept_and_asked_for_again(alice, paid, stripe)


def test_without_one_transaction_a_death_leaves_credits_without_a_mark(alice: User, paid: Purchase) -> None:
    apart = mock.Mock(atomic=contextlib.nullcontext)
    with instead(fulfilment, "transaction", apart), bitten("assert 220 == 0"):
        test_settle.test_a_death_between_grant_and_mark_books_nothing(alice, paid)


def test_without_metadata_a_payment_whose_id_was_not_stored_is_nobodys(
    alice: User, session: CheckoutSession, stripe: SandboxProcess
) -> None:
    with instead(fulfilment, "_by_metadata", return_value=None), bitten("Outcome.NOT_OURS"):
        test_settle.test_it_is_found_by_metadata_when_its_id_was_not_stored(alice, session, stripe)


# --- what is not ours, and what was ours ---


def test_without_an_answer_for_others_their_sessions_come_again_and_again(
    stripe: SandboxProcess, db: None
) -> None:
    with instead(inbox, "UnknownAtStripe", Never), bitten("assert 500 == 200"):
        test_webhook.test_a_session_that_is_not_ours_is_ignored(stripe, db)


def test_without_rebuilding_a_lost_row_is_a_lost_payment(alice: User, paid: Purchase) -> None:
    with instead(rebuilding, "rebuild", return_value=None), bitten("Outcome.NOT_OURS"):
        test_settle.test_a_purchase_whose_row_is_gone_is_rebuilt_and_credited(alice, paid)


@pytest.mark.django_db(transaction=True)
def test_without_rebuilding_the_proof_cannot_credit_a_lost_row(alice: User, paid: Purchase) -> None:
    with instead(rebuilding, "rebuild", return_value=None), bitten("== (1, 1, 1, 0)"):
        test_proof.test_a_lost_row_is_rebuilt(alice, paid)


def test_without_the_signature_a_forged_snapshot_is_a_million_credits(
    alice: User, paid: Purchase, stripe: SandboxProcess
) -> None:
    unsigned = instead(signed_metadata, "constant_time_compare", return_value=True)
    with unsigned, bitten("Outcome.CREDITED"):
        test_settle.test_a_gone_purchase_with_a_forged_snapshot_is_not_credited(alice, paid, stripe)
    assert balance_of(alice).available == 1_000_020


def test_without_the_moment_of_joining_a_reused_id_gets_anothers_credits(alice: User, paid: Purchase) -> None:
    with instead(rebuilding, "joined", return_value=mock.ANY), bitten("Outcome.CREDITED"):
        test_settle.test_a_gone_purchase_of_a_reused_user_id_goes_to_review(alice, paid)


# --- who calls ---


def unsigned(payload: bytes, _signature: str) -> str:
    return payload.decode()


def test_without_signatures_a_forged_call_is_kept(db: None) -> None:
    with instead(stripe_gateway, "verify_signature", unsigned), bitten("== 400"):
        test_webhook.test_a_forged_call_is_refused_and_not_kept(db, {})


def test_without_signatures_a_wrong_secret_is_as_good(paid: Purchase) -> None:
    with instead(stripe_gateway, "verify_signature", unsigned), bitten("assert 200 == 400"):
        test_webhook.test_a_wrong_secret_or_a_stale_signature_is_refused(paid)


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"[" * 100_000], ids=["empty", "list", "null", "deep"])
def test_without_a_refusal_signed_nonsense_is_an_error_of_ours(db: None, body: bytes) -> None:
    with instead(webhooks, "NotFromStripe", Never), bitten("assert 500 == 400"):
        test_webhook.test_signed_nonsense_is_refused(db, body)


def test_without_a_limit_a_deep_event_is_kept(db: None) -> None:
    with instead(inbox, "cleaned", lambda event: event), bitten("== 400"):
        test_webhook.test_a_signed_event_deeper_than_any_of_stripes_is_refused(db, 51)


def test_without_a_limit_five_megabytes_are_read(paid: Purchase, settings: Settings) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = None
    with bitten("assert 200 == 400"):
        test_webhook.test_five_megabytes_are_refused(paid)


def test_without_the_list_of_kinds_any_event_is_kept(db: None) -> None:
    anything = mock.MagicMock(__contains__=lambda _self, _kind: True)
    with instead(inbox, "FOLLOWED", anything), bitten("assert 1 == 0"):
        test_webhook.test_a_thin_event_is_ignored(db)


def test_without_the_second_secret_a_rotation_loses_calls(paid: Purchase, settings: Settings) -> None:
    real = stripe_gateway.verify_signature

    def by_the_first(payload: bytes, signature: str) -> str:
        settings.STRIPE_WEBHOOK_SECRETS = settings.STRIPE_WEBHOOK_SECRETS[:1]
        return real(payload, signature)

    with instead(stripe_gateway, "verify_signature", by_the_first), bitten("assert 400 == 200"):
        test_webhook.test_both_secrets_work_during_rotation(paid, settings)


def test_without_the_look_at_the_mode_a_live_event_is_taken(paid: Purchase) -> None:
    with instead(stripe_gateway, "is_live", return_value=mock.ANY), bitten("assert 200 == 400"):
        test_webhook.test_a_live_event_on_a_test_site_is_refused_and_alerted(paid)
