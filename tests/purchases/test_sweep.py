"""The sweep: whatever was never told to us is asked about, on a schedule."""

import json
from datetime import timedelta
from io import StringIO
from typing import Any
from unittest import mock

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection, transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from accounts.models import User
from checkout import sessions
from checkout.locks import database_now
from checkout.models import CheckoutSession, Tier
from credits.balances import balance_of
from purchases import inbox, opening, stripe_gateway
from purchases import sweep as sweeping
from purchases.errors import StripeUnavailable
from purchases.models import Purchase
from tests.conftest import superuser_connection
from tests.purchases.conftest import completed
from tests.sandbox_process import SandboxProcess
from tests.twins import bitten


def make_due() -> None:
    Purchase.objects.filter(next_check_at__isnull=False).update(next_check_at=Now() - timedelta(seconds=1))


def test_a_payment_nobody_told_us_of_is_credited(alice: User, paid: Purchase) -> None:
    make_due()

    assert sweeping.sweep() == sweeping.Swept(checked=1, credited=1)
    assert balance_of(alice).available == 220
    assert Purchase.objects.get().credited_via == "sweep"


def test_what_is_not_due_is_left_alone_unless_all_is_asked(alice: User, paid: Purchase) -> None:
    assert sweeping.sweep().checked == 0
    assert sweeping.sweep(is_all=True).credited == 1


def test_the_first_check_comes_after_a_minute(opened: Purchase) -> None:
    assert opened.next_check_at is not None
    assert timedelta(seconds=30) < opened.next_check_at - opened.created_at < timedelta(seconds=65)


def test_checks_grow_rarer_and_meet_stripes_expiry(opened: Purchase) -> None:
    begun = opened.created_at
    delays = []
    for opened.checks in range(4):
        delays.append(sweeping.next_check(opened, now=begun) - begun)
    assert delays == [timedelta(minutes=5), timedelta(minutes=15), timedelta(hours=1), timedelta(hours=6)]

    opened.checks = 4
    ends = opened.stripe_expires_at
    assert sweeping.next_check(opened, now=begun) == ends + timedelta(minutes=2)
    assert sweeping.next_check(opened, now=ends + timedelta(hours=1)) == ends + timedelta(hours=25)


def test_a_failure_does_not_stop_the_others(
    alice: User, bob: User, paid: Purchase, plus: Tier, stripe: SandboxProcess
) -> None:
    other = opening.open_payment(owner=bob, session=sessions.start(owner=bob, tier=plus)).purchase
    stripe.pay(other.stripe_session_id or "")
    stripe.control(
        "faults",
        endpoint=f"GET /v1/checkout/sessions/{paid.stripe_session_id}",
        kind="status",
        status=500,
        count=2,
    )
    make_due()

    assert sweeping.sweep() == sweeping.Swept(checked=2, credited=1, waiting=1, unanswered=1)
    assert (balance_of(alice).available, balance_of(bob).available) == (0, 220)


def test_a_surprise_does_not_stop_the_others(
    alice: User, bob: User, paid: Purchase, plus: Tier, stripe: SandboxProcess
) -> None:
    other = opening.open_payment(owner=bob, session=sessions.start(owner=bob, tier=plus)).purchase
    stripe.pay(other.stripe_session_id or "")
    make_due()
    real = sweeping.settle  # type: ignore[attr-defined]

    def poisoned(session_id: str, **words: Any) -> Any:
        if session_id == paid.stripe_session_id:
            raise ZeroDivisionError
        return real(session_id, **words)

    with mock.patch.object(sweeping, "settle", poisoned):
        assert sweeping.sweep() == sweeping.Swept(checked=2, credited=1, waiting=1, unanswered=1)
    assert balance_of(bob).available == 220


def test_a_purchase_left_opening_is_resumed(
    alice: User, session: CheckoutSession, stripe: SandboxProcess
) -> None:
    stripe.control("faults", endpoint="POST /v1/checkout/sessions", kind="reset", when="after", count=2)
    with pytest.raises(StripeUnavailable):
        opening.open_payment(owner=alice, session=session)

    sweeping.sweep(is_all=True)
    assert Purchase.objects.get().status == "open"


def test_two_sweeps_share_the_work(opened: Purchase) -> None:
    make_due()

    assert sweeping.sweep().checked == 1
    assert sweeping.sweep().checked == 0
    assert Purchase.objects.get().status == "open"


def test_without_moving_the_next_check_two_sweeps_ask_twice(opened: Purchase) -> None:
    """The twin."""
    with mock.patch.object(sweeping, "next_check", lambda _purchase, *, now: now), bitten("assert 1 == 0"):
        test_two_sweeps_share_the_work(opened)


@pytest.mark.django_db(transaction=True)
def test_what_another_sweep_holds_is_passed_by(paid: Purchase) -> None:
    make_due()
    with superuser_connection() as other, other.transaction():
        other.execute("select from purchases_purchase for update")

        assert sweeping.sweep().checked == 0


@pytest.mark.django_db(transaction=True)
def test_without_passing_by_a_sweep_waits_for_another(paid: Purchase) -> None:
    """The twin."""
    with connection.cursor() as cursor:
        cursor.execute("set lock_timeout = 200")
    real = QuerySet.select_for_update
    waiting = mock.patch.object(QuerySet, "select_for_update", lambda rows, **_: real(rows, no_key=True))
    with waiting, pytest.raises(OperationalError, match="lock timeout"):
        test_what_another_sweep_holds_is_passed_by(paid)
    connection.close()


def swept_while_others_look() -> sweeping.Swept:
    """While Stripe is asked, somebody else locks every row that the pass has to do with."""
    retrieve = stripe_gateway.retrieve_session

    def looked(session_id: str, **words: Any) -> Any:
        with superuser_connection() as other:
            for table in ("purchases_purchase", "purchases_stripeevent", "accounts_user"):
                other.execute(f"select from {table} for update nowait")
        return retrieve(session_id, **words)

    with mock.patch.object(stripe_gateway, "retrieve_session", looked):
        return sweeping.sweep()


@pytest.mark.django_db(transaction=True)
def test_nothing_is_held_while_stripe_is_asked(paid: Purchase) -> None:
    inbox.store(completed(paid))

    assert swept_while_others_look() == sweeping.Swept(checked=1)
    assert Purchase.objects.get().status == "credited"


@pytest.mark.django_db(transaction=True)
def test_without_its_short_claim_an_event_is_held_while_stripe_is_asked(paid: Purchase) -> None:
    """The twin: one transaction around the pass."""
    inbox.store(completed(paid))

    with transaction.atomic():
        assert swept_while_others_look() == sweeping.Swept(checked=1, waiting=1, unanswered=1)


def test_what_was_due_two_days_ago_is_caught_up(alice: User, paid: Purchase) -> None:
    Purchase.objects.update(next_check_at=Now() - timedelta(days=2))

    assert sweeping.sweep() == sweeping.Swept(checked=1, credited=1)
    assert balance_of(alice).available == 220


def test_without_the_database_as_queue_what_was_missed_is_gone(alice: User, paid: Purchase) -> None:
    """The twin: only what fell due since the last pass would have run."""
    due = sweeping.due_purchases  # type: ignore[attr-defined]

    def of_this_hour(**words: Any) -> list[Purchase]:
        recently = database_now() - timedelta(hours=1)
        return [one for one in due(**words) if one.next_check_at and one.next_check_at > recently]

    with mock.patch.object(sweeping, "due_purchases", of_this_hour), bitten("checked: 0 != 1"):
        test_what_was_due_two_days_ago_is_caught_up(alice, paid)


def test_the_command_says_how_it_went(alice: User, paid: Purchase) -> None:
    out = StringIO()
    call_command("sweep", "--all", "--json", stdout=out)

    assert json.loads(out.getvalue()) == {"checked": 1, "credited": 1, "failed": 0, "waiting": 0}


def test_the_command_says_where_stripe_gave_no_answer(paid: Purchase, stripe: SandboxProcess) -> None:
    stripe.control("faults", endpoint="GET /v1/checkout/sessions/*", kind="status", status=500, count=99)
    out = StringIO()

    with pytest.raises(CommandError, match=r"^1 of those waiting got no answer"):
        call_command("sweep", "--all", "--json", stdout=out)

    assert json.loads(out.getvalue()) == {"checked": 1, "credited": 0, "failed": 0, "waiting": 1}


@pytest.mark.parametrize("name", ["stripe_session_id", "uuid", "payment_intent"])
def test_settle_by_hand_takes_any_name_of_a_payment(
    alice: User, paid: Purchase, stripe: SandboxProcess, name: str
) -> None:
    if name == "payment_intent":
        session = stripe.control(f"sessions/{paid.stripe_session_id}/tamper")
        by = session["payment_intent"]
    else:
        by = str(getattr(paid, name))
    out = StringIO()
    call_command("settle", by, "--json", stdout=out)

    assert json.loads(out.getvalue()) == {"purchase": str(paid.uuid), "state": "credited", "via": "command"}
    assert balance_of(alice).available == 220


def test_settle_by_hand_exits_1_while_it_is_not_settled(opened: Purchase) -> None:
    with pytest.raises(SystemExit, match="1"):
        call_command("settle", opened.stripe_session_id or "", "--json", stdout=StringIO())


@pytest.mark.parametrize(
    "unknown", ["nonsense", "cs_test_nobody", "pi_nobody", "0a3ae9a1-26a5-4d5f-9d9b-000000000000"]
)
def test_settle_by_hand_says_what_is_unknown(stripe: SandboxProcess, db: None, unknown: str) -> None:
    with pytest.raises(CommandError):
        call_command("settle", unknown)
