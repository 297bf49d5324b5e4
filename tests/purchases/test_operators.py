"""What operators do by hand: allowed, with a reason, written down, once."""

import json
import uuid
from collections.abc import Callable
from contextlib import suppress
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction

from accounts.models import User
from credits.balances import balance_of
from credits.errors import InsufficientCredits
from purchases import inbox, operators
from purchases.errors import AlreadyDone, NotAllowed, NotPossible, StripeUnavailable
from purchases.fulfilment import settle
from purchases.models import OperatorAction, Purchase, StripeEvent
from purchases.operators import Deed
from tests.purchases.conftest import completed, deliver
from tests.purchases.operating import clerk, deed
from tests.sandbox_process import SandboxProcess


@pytest.fixture
def boss(admin: User) -> User:
    return admin


@pytest.fixture
def credited(paid: Purchase) -> Purchase:
    settle(paid.stripe_session_id or "", via=Purchase.Via.WEBHOOK)
    return Purchase.objects.get(pk=paid.pk)


@pytest.fixture
def reviewed(opened: Purchase, stripe: SandboxProcess) -> Purchase:
    """Paid, but less than was offered."""
    stripe.pay(opened.stripe_session_id or "", amount_total=900, amount_subtotal=900)
    settle(opened.stripe_session_id or "", via=Purchase.Via.WEBHOOK)
    return Purchase.objects.get(pk=opened.pk)


def test_settling_now_credits_and_is_written_down(alice: User, paid: Purchase, boss: User) -> None:
    done = operators.settle_now(paid, deed=deed(boss, "No webhook came"))

    assert balance_of(alice).available == 220
    assert Purchase.objects.get().credited_via == "admin"
    action = OperatorAction.objects.get(pk=done.pk)
    assert (action.kind, action.actor, action.actor_name) == ("settle", boss, f"staff:{boss.pk}")
    assert (action.subject, action.reason, action.outcome) == (
        f"purchase:{paid.uuid}",
        "No webhook came",
        "credited",
    )
    assert action.finished_at is not None


def test_settling_learns_of_a_refund_made_at_stripe(
    alice: User, credited: Purchase, boss: User, stripe: SandboxProcess
) -> None:
    stripe.control(f"sessions/{credited.stripe_session_id}/refund")
    operators.settle_now(credited, deed=deed(boss))

    assert balance_of(alice).available == 0


def test_an_event_is_replayed(alice: User, paid: Purchase, boss: User, stripe: SandboxProcess) -> None:
    stripe.control("faults", endpoint="GET /v1/checkout/sessions/*", kind="status", status=500, count=2)
    assert deliver(completed(paid)).status_code == 500
    event = StripeEvent.objects.get()

    assert operators.replay(event, deed=deed(boss)).outcome == "credited"
    event.refresh_from_db()
    assert (event.state, balance_of(alice).available) == ("handled", 220)


def test_expiring_ends_the_payment_page(opened: Purchase, boss: User, stripe: SandboxProcess) -> None:
    assert operators.expire(opened, deed=deed(boss)).outcome == "expired"
    with pytest.raises(AssertionError, match="expired"):
        stripe.pay(opened.stripe_session_id or "")


def test_expiring_what_was_just_paid_settles_it(alice: User, paid: Purchase, boss: User) -> None:
    assert operators.expire(paid, deed=deed(boss)).outcome == "credited"
    assert balance_of(alice).available == 220


def test_a_part_is_refunded_with_its_credits(alice: User, credited: Purchase, boss: User) -> None:
    done = operators.refund(credited, amount_minor=900, deed=deed(boss))

    assert done.outcome.startswith("succeeded: 900 USD re_")
    assert done.details["credits"] == 110
    assert balance_of(alice).available == 110


def test_release_credits_the_owner_although_it_differs(alice: User, reviewed: Purchase, boss: User) -> None:
    compared, difference = operators.comparison_of(reviewed)
    assert [(pair.name, pair.here, pair.at_stripe) for pair in compared if not pair.is_same] == [
        ("amount", 1800, 900)
    ]

    done = operators.release(reviewed, accepted=difference, deed=deed(boss))
    assert done.outcome == "credited"
    assert done.details["accepted"] == "amount: 1800 here, 900 at Stripe"
    assert balance_of(alice).available == 220
    assert Purchase.objects.get().credited_via == "admin"


def test_another_difference_than_the_one_that_was_read_is_not_released(
    alice: User, reviewed: Purchase, boss: User, stripe: SandboxProcess
) -> None:
    _, difference = operators.comparison_of(reviewed)
    stripe.control(f"sessions/{reviewed.stripe_session_id}/tamper", amount_total=1, amount_subtotal=1)

    done = operators.release(reviewed, accepted=difference, deed=deed(boss))
    assert done.outcome == "review: amount: 1800 here, 1 at Stripe"
    assert balance_of(alice).available == 0


def test_a_release_takes_only_what_is_in_review(opened: Purchase, boss: User) -> None:
    with pytest.raises(NotPossible):
        operators.release(opened, accepted="", deed=deed(boss))
    with pytest.raises(NotPossible, match="not paid"):
        operators.comparison_of(opened)
    assert not OperatorAction.objects.exists()


def test_credits_are_adjusted_with_the_reason_in_the_statement(alice: User, boss: User) -> None:
    assert operators.adjust(alice, amount=30, deed=deed(boss)).outcome == "+30, now 30"
    assert operators.adjust(alice, amount=-10, deed=deed(boss)).outcome == "-10, now 20"
    assert balance_of(alice).available == 20


def test_what_the_ledger_refuses_is_written_down_as_not_done(alice: User, boss: User) -> None:
    with pytest.raises(InsufficientCredits):
        operators.adjust(alice, amount=-10, deed=deed(boss))

    assert OperatorAction.objects.get().outcome.startswith("not done")
    assert balance_of(alice).available == 0


def test_no_answer_of_stripes_is_written_down_as_not_done(
    paid: Purchase, boss: User, stripe: SandboxProcess
) -> None:
    stripe.control("faults", endpoint="*", kind="reset", count=9)
    with pytest.raises(StripeUnavailable):
        operators.settle_now(paid, deed=deed(boss))

    assert OperatorAction.objects.get().outcome == "not done: APIConnectionError"


def test_a_deed_that_breaks_off_is_written_down(paid: Purchase, boss: User) -> None:
    with pytest.raises(ZeroDivisionError), operators._written_down("settle", deed(boss), subject="x"):
        raise ZeroDivisionError

    assert OperatorAction.objects.get().outcome == "broke off: ZeroDivisionError"


def test_one_form_is_one_deed(alice: User, boss: User) -> None:
    once = deed(boss)
    operators.adjust(alice, amount=30, deed=once)
    with pytest.raises(AlreadyDone):
        operators.adjust(alice, amount=30, deed=once)

    assert balance_of(alice).available == 30
    assert OperatorAction.objects.count() == 1


@pytest.mark.parametrize("reason", ["", "   "])
def test_without_a_reason_nothing_is_done(alice: User, boss: User, reason: str) -> None:
    with pytest.raises(NotPossible, match="reason"):
        operators.adjust(alice, amount=30, deed=deed(boss, reason))

    assert not OperatorAction.objects.exists()
    assert balance_of(alice).available == 0


Act = Callable[[Purchase, Deed], Any]
DEEDS: list[tuple[str, Act]] = [
    ("settle_purchase", lambda purchase, deed: operators.settle_now(purchase, deed=deed)),
    ("expire_purchase", lambda purchase, deed: operators.expire(purchase, deed=deed)),
    ("refund_purchase", lambda purchase, deed: operators.refund(purchase, amount_minor=900, deed=deed)),
    ("adjust_credits", lambda purchase, deed: operators.adjust(purchase.owner, amount=1, deed=deed)),
    (
        "replay_stripeevent",
        lambda _purchase, deed: operators.replay(
            inbox.store({"id": "evt_9", "type": "checkout.session.completed"}) or StripeEvent(), deed=deed
        ),
    ),
]


@pytest.mark.parametrize(("permission", "act"), DEEDS, ids=[name for name, _ in DEEDS])
def test_each_deed_needs_its_permission(credited: Purchase, alice: User, permission: str, act: Act) -> None:
    every = {name for name, _ in DEEDS} | {"release_purchase", "view_purchase", "change_purchase"}
    lacking, having = clerk(*every - {permission}), clerk(permission, email="other@example.com")

    with pytest.raises(NotAllowed):
        act(credited, deed(lacking))
    assert not OperatorAction.objects.exists()
    assert balance_of(alice).available == 220
    with suppress(NotPossible):  # to expire what is credited: allowed, and in vain
        act(credited, deed(having))
    assert OperatorAction.objects.get().actor == having


def test_release_needs_its_permission(alice: User, reviewed: Purchase) -> None:
    _, difference = operators.comparison_of(reviewed)
    with pytest.raises(NotAllowed):
        operators.release(reviewed, accepted=difference, deed=deed(clerk("settle_purchase")))

    assert balance_of(alice).available == 0


def test_a_buyer_with_a_permission_is_no_operator(alice: User, boss: User) -> None:
    person = clerk("adjust_credits")
    User.objects.filter(pk=person.pk).update(is_staff=False)

    assert not operators.staff(User.objects.get(pk=person.pk)).may("adjust")


@pytest.mark.parametrize(
    "attack",
    [
        "delete from purchases_operatoraction",
        "update purchases_operatoraction set reason = 'another'",
        "update purchases_operatoraction set actor_name = 'another'",
        "update purchases_operatoraction set outcome = 'another'",
        "update purchases_operatoraction set outcome = '', finished_at = null",
    ],
)
def test_what_was_done_stays_written(alice: User, boss: User, attack: str) -> None:
    operators.adjust(alice, amount=30, deed=deed(boss))
    before = OperatorAction.objects.values().get()

    with pytest.raises(IntegrityError, match="operatoraction_kept"), transaction.atomic():
        connection.cursor().execute(attack)
    assert OperatorAction.objects.values().get() == before


@pytest.mark.parametrize(
    ("columns", "guard"),
    [
        ({"reason": ""}, "has_a_reason"),
        ({"actor_name": ""}, "has_an_actor"),
        ({"outcome": "done"}, "outcome_iff_finished"),
    ],
)
def test_an_action_has_a_reason_and_an_actor(db: None, columns: dict[str, str], guard: str) -> None:
    whole = {"actor_name": "x", "kind": "settle", "subject": "x", "reason": "x", "details": {}}

    with pytest.raises(IntegrityError, match=guard), transaction.atomic():
        OperatorAction.objects.create(**{**whole, **columns})


def run(*words: str) -> dict[str, Any]:
    out = StringIO()
    call_command(*words, "--json", stdout=out, stderr=StringIO())
    said: dict[str, Any] = json.loads(out.getvalue())
    return said


def test_a_command_shows_first_and_does_nothing(alice: User, credited: Purchase) -> None:
    out, err = StringIO(), StringIO()
    with pytest.raises(SystemExit, match="1"):
        call_command("refund_purchase", str(credited.uuid), "--reason", "x", "--json", stdout=out, stderr=err)

    said = json.loads(out.getvalue())
    assert (said["done"], said["amount_minor"], said["credits"]) == (False, 1800, 220)
    assert balance_of(alice).available == 220
    assert not OperatorAction.objects.exists()


def test_a_command_refunds(alice: User, credited: Purchase) -> None:
    name = credited.payment_intent or ""
    said = run("refund_purchase", name, "--amount", "900", "--reason", "Half was enough", "--yes")

    assert said["done"] is True
    assert balance_of(alice).available == 110
    assert OperatorAction.objects.get().actor_name.startswith("command:")


@pytest.mark.parametrize("amount", ["0", "-1", "1801"])
def test_a_command_refunds_no_amount_that_is_none(alice: User, credited: Purchase, amount: str) -> None:
    with pytest.raises(CommandError, match="From 1 to 1800 can be refunded"):
        run("refund_purchase", str(credited.uuid), f"--amount={amount}", "--reason", "A slip", "--yes")

    assert balance_of(alice).available == 220
    assert not OperatorAction.objects.exists()


def test_a_command_releases(alice: User, reviewed: Purchase) -> None:
    said = run("release_purchase", str(reviewed.uuid), "--reason", "Agreed by phone", "--yes")

    assert (said["compared"]["amount"], said["outcome"]) == ([1800, 900], "credited")
    assert balance_of(alice).available == 220


def test_a_command_expires(opened: Purchase) -> None:
    said = run("expire_purchase", opened.stripe_session_id or "", "--reason", "Wrong price", "--yes")

    assert said["outcome"] == "expired"


def test_what_has_no_open_page_cannot_be_expired(
    credited: Purchase, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(CommandError, match="it is credited"):
        call_command("expire_purchase", str(credited.uuid), "--reason", "x", "--yes", "--json")

    said = json.loads(capsys.readouterr().out)
    assert (said["done"], "it is credited" in said["error"]) == (False, True)


def test_a_command_replays(alice: User, paid: Purchase) -> None:
    inbox.store(completed(paid))
    assert run("replay_event", "evt_1", "--reason", "Was stuck", "--yes")["outcome"] == "credited"


@pytest.mark.parametrize("by", ["email", "pk"])
def test_a_command_adjusts(alice: User, by: str) -> None:
    said = run("adjust_credits", str(getattr(alice, by)), "30", "--reason", "Sorry", "--yes")

    assert (said["available"], said["available_then"]) == (0, 30)
    assert balance_of(alice).available == 30


def test_a_reason_that_is_too_long_is_refused_in_words(alice: User) -> None:
    with pytest.raises(CommandError, match="up to 500 characters"):
        run("adjust_credits", str(alice.pk), "30", "--reason", "x" * 501, "--yes")

    assert balance_of(alice).available == 0


def test_a_command_for_somebody_of_the_staff_needs_their_permission(alice: User, db: None) -> None:
    clerk("settle_purchase")
    words = ["adjust_credits", str(alice.pk), "30", "--reason", "x", "--yes", "--as"]
    with pytest.raises(CommandError, match="may not"):
        call_command(*words, "clerk@example.com")
    with pytest.raises(CommandError, match="staff"):
        call_command(*words, "alice@example.com")

    assert balance_of(alice).available == 0


def test_settling_by_command_is_written_down(paid: Purchase) -> None:
    call_command("settle", str(paid.uuid), "--json", stdout=StringIO())

    action = OperatorAction.objects.get()
    assert (action.subject, action.outcome) == (f"session:{paid.stripe_session_id}", "credited")


@pytest.mark.parametrize(
    "words",
    [
        ("refund_purchase", "nonsense"),
        ("refund_purchase", "cs_nobody"),
        ("expire_purchase", str(uuid.UUID(int=5))),
        ("release_purchase", "pi_nobody"),
        ("replay_event", "evt_nobody"),
        ("adjust_credits", "nobody@example.com", "5"),
    ],
)
def test_a_command_says_what_is_unknown(db: None, words: tuple[str, ...]) -> None:
    with pytest.raises(CommandError):
        call_command(*words, "--reason", "x", "--yes")
