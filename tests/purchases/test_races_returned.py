"""Refunds and disputes with everybody at once. Each race has a twin that shows what the guard prevents."""

import threading
from collections.abc import Callable
from typing import Any
from unittest import mock

import pytest
from django.db import connection

from accounts.models import User
from credits.models import LedgerTransaction
from purchases import fulfilment, refunds, stripe_gateway
from purchases import sweep as sweeping
from purchases.errors import RefundNotPossible
from purchases.models import Purchase, Refund
from tests.purchases.conftest import deliver
from tests.purchases.returning import credited, events, numbers
from tests.sandbox_process import SandboxProcess
from tests.together import together

pytestmark = pytest.mark.django_db(transaction=True)
VIA = Purchase.Via.WEBHOOK


def books(paid: Purchase, stripe: SandboxProcess) -> tuple[Callable[[], Any], Callable[[], Any]]:
    """What settling and syncing are about to write: asked before, and told after, half was refunded."""
    session = stripe_gateway.retrieve_session(paid.stripe_session_id or "")
    Purchase.objects.filter(pk=paid.pk).update(payment_intent=session.payment_intent)
    stripe.control(f"sessions/{paid.stripe_session_id}/refund", amount=900)
    number = refunds._take_number(paid)
    returns = stripe_gateway.returns_of(session.payment_intent or "", told={})
    return (
        lambda: fulfilment.book(paid, session, via=VIA),
        lambda: refunds.book(paid, returns, number=number, via=VIA),
    )


def test_settling_and_syncing_at_once_take_the_refund_once(
    alice: User, paid: Purchase, stripe: SandboxProcess
) -> None:
    settle, sync = books(paid, stripe)

    assert not [answer for answer in together(settle, sync, sync) if isinstance(answer, Exception)]
    assert numbers(alice) == (110, 110, 0)
    assert Purchase.objects.get().credits_taken == 110


def test_without_the_purchases_lock_a_refund_would_be_lost(
    alice: User, paid: Purchase, stripe: SandboxProcess
) -> None:
    """The twin: both read before either writes, so one sees no credit and the other no refund."""
    settle, sync = books(paid, stripe)
    both_have_read = threading.Barrier(2, timeout=60)

    def unlocked(purchase_id: int) -> Purchase:
        purchase = Purchase.objects.get(pk=purchase_id)
        both_have_read.wait()
        return purchase

    unowned = mock.patch.object(fulfilment, "lock_owner_to_credit", return_value=alice.pk)
    in_settle = mock.patch.object(fulfilment, "lock_purchase", unlocked)
    in_sync = mock.patch.object(refunds, "lock_with_owner", unlocked)
    with unowned, in_settle, in_sync:
        together(settle, sync)

    assert numbers(alice) == (220, 220, 0)


def test_all_nets_tell_of_a_refund_at_once(alice: User, paid: Purchase, stripe: SandboxProcess) -> None:
    stripe.control(f"sessions/{paid.stripe_session_id}/refund", amount=900)
    news = [event for event in events(stripe) if not event["type"].startswith("payment_intent.")]
    calls: list[Callable[[], Any]] = [lambda e=event: deliver(e).status_code for event in news * 2]  # type: ignore[misc]
    calls += [lambda: sweeping.sweep(is_all=True).waiting] * 3

    answers = together(*calls)
    assert set(answers) <= {200, 0}
    assert numbers(alice) == (110, 110, 0)
    assert LedgerTransaction.objects.filter(kind="purchase").count() == 1


def test_a_slow_answer_does_not_overtake_a_later_one(
    alice: User, paid: Purchase, stripe: SandboxProcess
) -> None:
    bought = credited(paid)
    refund = stripe.control(f"sessions/{paid.stripe_session_id}/refund", amount=900)["id"]
    stripe.control("faults", endpoint="GET /v1/refunds", kind="hold", when="after")
    slow = threading.Thread(target=_synced, args=(bought,))
    slow.start()
    stripe.wait_until_held()
    stripe.control(f"refunds/{refund}/fail")
    refunds.sync(bought, via=VIA)

    stripe.control("release")
    slow.join(timeout=60)
    assert numbers(alice) == (220, 220, 0)


def test_two_operators_refund_all_at_once(alice: User, paid: Purchase, stripe: SandboxProcess) -> None:
    bought = credited(paid)

    answers = together(
        *[lambda: refunds.refund(bought, amount_minor=1800, reason="both", actor="admin:1").status] * 2
    )
    assert sorted(type(answer).__name__ for answer in answers) == ["RefundNotPossible", "str"]
    assert [isinstance(answer, RefundNotPossible) for answer in answers].count(True) == 1
    assert numbers(alice) == (0, 0, 0)
    assert Refund.objects.count() == 1


def test_without_the_lock_both_would_be_asked_for(
    alice: User, paid: Purchase, stripe: SandboxProcess
) -> None:
    """The twin: both look before either has written; then the constraint or Stripe must say no."""
    bought = credited(paid)
    both_have_read = threading.Barrier(2, timeout=60)

    def looked(purchase: Purchase, amount_minor: int) -> None:
        both_have_read.wait()

    unlocked = mock.patch.object(refunds, "lock_with_owner", lambda pk: Purchase.objects.get(pk=pk))
    with unlocked, mock.patch.object(refunds, "_refuse_impossible", looked):
        answers = together(
            *[lambda: refunds.refund(bought, amount_minor=1800, reason="both", actor="admin:1").status] * 2
        )

    assert {type(answer).__name__ for answer in answers} & {"IntegrityError", "RefundRefused"}


def _synced(purchase: Purchase) -> None:
    try:
        refunds.sync(purchase, via=VIA)
    finally:
        connection.close()
