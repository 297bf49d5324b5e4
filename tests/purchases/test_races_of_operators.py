"""Operators and all nets at the same instant."""

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from unittest import mock

import pytest
from django.db import IntegrityError

from accounts.models import User
from checkout.locks import database_now
from credits.balances import balance_of
from credits.models import Entry
from purchases import backfill, operators, proof
from purchases import sweep as sweeping
from purchases.errors import AlreadyDone
from purchases.fulfilment import settle
from purchases.models import OperatorAction, Purchase, Refund
from purchases.operators import Deed, staff
from tests.purchases.conftest import completed, deliver
from tests.purchases.operating import deed
from tests.sandbox_process import SandboxProcess
from tests.together import together

pytestmark = pytest.mark.django_db(transaction=True)


def kinds(answers: list[Any]) -> set[str]:
    return {type(answer).__name__ for answer in answers if isinstance(answer, Exception)}


def test_every_net_at_once_is_one_credit(alice: User, admin: User, paid: Purchase) -> None:
    now = database_now()
    nets: list[Callable[[], Any]] = [
        lambda: deliver(completed(paid)).status_code,
        lambda: sweeping.sweep(is_all=True),
        lambda: backfill.backfill(),
        lambda: proof.prove(from_at=now - timedelta(days=1), to_at=now + timedelta(hours=1)),
        lambda: operators.settle_now(paid, deed=deed(admin)),
    ] * 4

    assert kinds(together(*nets)) == set()
    assert balance_of(alice).available == 220
    assert list(Entry.objects.order_by("account_seq").values_list("amount", flat=True)) == [200, 20]
    assert Purchase.objects.get().status == "credited"


def test_a_double_click_is_one_deed(alice: User, admin: User) -> None:
    once = deed(admin)
    answers = together(*[lambda: operators.adjust(alice, amount=30, deed=once)] * 8)

    assert [type(answer) for answer in answers].count(AlreadyDone) == 7
    assert OperatorAction.objects.count() == 1
    assert balance_of(alice).available == 30


def test_without_the_name_of_the_form_a_double_click_would_be_two(alice: User, admin: User) -> None:
    """The twin: each click a key of its own."""
    clicks = [lambda: operators.adjust(alice, amount=30, deed=deed(admin))] * 8

    assert kinds(together(*clicks)) == set()
    assert balance_of(alice).available == 240


def test_two_operators_cannot_refund_more_than_was_paid(alice: User, admin: User, paid: Purchase) -> None:
    settle(paid.stripe_session_id or "", via=Purchase.Via.WEBHOOK)
    purchase = Purchase.objects.get()

    def refund() -> OperatorAction:
        return operators.refund(purchase, amount_minor=1800, deed=deed(admin))

    answers = together(*[refund] * 6)
    assert kinds(answers) <= {"RefundNotPossible"}
    assert Refund.objects.filter(status="succeeded").count() == 1
    assert balance_of(alice).available == 0


def test_two_releases_are_one_credit(
    alice: User, admin: User, opened: Purchase, stripe: SandboxProcess
) -> None:
    stripe.pay(opened.stripe_session_id or "", amount_total=900, amount_subtotal=900)
    settle(opened.stripe_session_id or "", via=Purchase.Via.WEBHOOK)
    purchase = Purchase.objects.get()
    _, difference = operators.comparison_of(purchase)

    together(*[lambda: operators.release(purchase, accepted=difference, deed=deed(admin))] * 6)
    assert balance_of(alice).available == 220
    assert Purchase.objects.get().status == "credited"


def test_an_action_is_committed_before_its_deed(alice: User, admin: User) -> None:
    """A process that is killed meanwhile leaves the line without an outcome, not a deed without a line."""
    seen: list[str] = []

    def adjust(**_words: Any) -> Any:
        seen.extend(OperatorAction.objects.values_list("outcome", flat=True))
        raise SystemExit

    with mock.patch.object(operators.adjusting, "adjust", adjust), pytest.raises(SystemExit):  # type: ignore[attr-defined]
        operators.adjust(alice, amount=30, deed=deed(admin))
    assert seen == [""]
    assert OperatorAction.objects.get().outcome == "broke off: SystemExit"


def test_the_name_of_a_form_is_unique_in_the_database(admin: User) -> None:
    once = Deed(by=staff(admin), reason="x", key=uuid.uuid4())
    fields = {
        "uuid": once.key,
        "actor_name": "x",
        "kind": "settle",
        "subject": "x",
        "reason": "x",
        "details": {},
    }
    OperatorAction.objects.create(**fields)

    with pytest.raises(IntegrityError):
        OperatorAction.objects.create(**fields)
