"""Everybody at once. Each race has a twin that shows what the guard prevents."""

import uuid
from collections.abc import Callable
from datetime import timedelta
from threading import Barrier
from typing import Any
from unittest import mock

import pytest
from django.db import OperationalError
from django.test import Client

from accounts.models import User
from checkout.models import CheckoutSession
from credits import deposits
from credits.balances import balance_of
from credits.models import Entry
from purchases import fulfilment, opening, stripe_gateway
from purchases import sweep as sweeping
from purchases.fulfilment import settle
from purchases.models import Purchase
from tests.conftest import superuser_connection
from tests.purchases.conftest import completed, deliver
from tests.sandbox_process import SandboxProcess
from tests.together import together

pytestmark = pytest.mark.django_db(transaction=True)


def back(purchase: Purchase) -> str:
    return f"/purchases/return/{purchase.uuid}/?session_id={purchase.stripe_session_id}"


@pytest.mark.usefixtures("alice_client")
def test_webhook_return_and_sweep_at_once_are_one_credit(alice: User, paid: Purchase) -> None:
    nets: list[Callable[[], Any]] = []
    for number in range(34):
        nets.append(lambda n=number: deliver(completed(paid, id=f"evt_{n}")).status_code)  # type: ignore[misc]
        nets.append(lambda: Client(raise_request_exception=False).get(back(paid)).status_code)
        nets.append(lambda: sweeping.sweep(is_all=True).waiting)

    answers = together(*nets)
    assert set(answers[0::3]) == {200}
    assert set(answers[1::3]) == {302}
    assert set(answers[2::3]) == {0}
    assert balance_of(alice).available == 220
    assert list(Entry.objects.order_by("account_seq").values_list("amount", flat=True)) == [200, 20]


def test_without_the_key_of_the_session_the_credits_would_double(alice: User, paid: Purchase) -> None:
    """The twin: each call a key and a source of its own, and the lock and the look before it gone."""
    real, count, everybody_has_read = deposits.grant, iter(range(1000)), Barrier(10)

    def keyless(**words: Any) -> Any:
        number = next(count)
        return real(**{**words, "key": f"{words['key']}:{number}", "source": f"{words['source']}:{number}"})

    def read_together(pk: int) -> Purchase:
        purchase = Purchase.objects.get(pk=pk)
        everybody_has_read.wait(timeout=60)
        return purchase

    unlocked = mock.patch.object(fulfilment, "lock_purchase", read_together)
    unowned = mock.patch.object(fulfilment, "lock_owner_to_credit", return_value=alice.pk)
    uncompleted = mock.patch.object(fulfilment.sessions, "complete")  # type: ignore[attr-defined]
    with mock.patch.object(deposits, "grant", keyless), unlocked, unowned, uncompleted:
        together(*[lambda: settle(paid.stripe_session_id or "", via=Purchase.Via.SWEEP)] * 10)

    assert balance_of(alice).available > 220


def test_what_is_credited_is_seen_without_waiting_for_anybody(paid: Purchase) -> None:
    truth = stripe_gateway.retrieve_session(paid.stripe_session_id or "")
    settle(truth.id, via=Purchase.Via.RETURN)

    with superuser_connection() as other, other.transaction():
        other.execute("select from accounts_user, checkout_checkoutsession, purchases_purchase for update")
        assert fulfilment.book(paid, truth, via=Purchase.Via.WEBHOOK).credited_via == "return"


def test_without_the_look_it_would_wait_for_the_owner(paid: Purchase) -> None:
    """The twin: while nobody has credited it, whoever comes waits for the owner's row."""
    truth = stripe_gateway.retrieve_session(paid.stripe_session_id or "")

    with superuser_connection() as other, other.transaction():
        other.execute("select from accounts_user for update")
        with pytest.raises(OperationalError):  # after lock_timeout
            fulfilment.book(paid, truth, via=Purchase.Via.WEBHOOK)


def test_ten_clicks_on_pay_open_one_page(
    alice: User, session: CheckoutSession, stripe: SandboxProcess
) -> None:
    answers = together(*[lambda: opening.open_payment(owner=alice, session=session).url] * 10)

    assert len(set(answers)) == 1
    assert str(answers[0]).startswith(stripe.url)
    assert Purchase.objects.count() == 1


def test_without_the_owners_lock_pay_would_meet_the_constraint(
    alice: User, session: CheckoutSession, stripe: SandboxProcess
) -> None:
    """The twin: with neither lock, two tabs both see no purchase, and one of them ends in an error."""
    everybody_has_looked = Barrier(10)

    def read_together(pk: uuid.UUID, *, at_least: timedelta) -> CheckoutSession:
        if at_least:  # the second call, after the look for a purchase
            everybody_has_looked.wait(timeout=60)
        return CheckoutSession.objects.get(pk=pk)

    unowned = mock.patch.object(opening, "lock_owner", return_value=True)
    held = opening.sessions  # type: ignore[attr-defined]
    unlocked = mock.patch.object(held, "lock_for_payment", read_together)
    with unowned, unlocked:
        answers = together(*[lambda: opening.open_payment(owner=alice, session=session).url] * 10)

    assert any(isinstance(answer, Exception) for answer in answers)
