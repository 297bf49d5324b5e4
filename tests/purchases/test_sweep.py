"""The sweep: whatever was never told to us is asked about, on a schedule."""

import json
from datetime import timedelta
from io import StringIO
from typing import Any
from unittest import mock

import pytest
from django.core.management import CommandError, call_command
from django.db.models.functions import Now

from accounts.models import User
from checkout import sessions
from checkout.models import CheckoutSession, Tier
from credits.balances import balance_of
from purchases import opening
from purchases import sweep as sweeping
from purchases.errors import StripeUnavailable
from purchases.models import Purchase
from tests.sandbox_process import SandboxProcess


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

    assert sweeping.sweep() == sweeping.Swept(checked=2, credited=1, waiting=1)
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
        assert sweeping.sweep() == sweeping.Swept(checked=2, credited=1, waiting=1)
    assert balance_of(bob).available == 220


def test_a_purchase_left_opening_is_resumed(
    alice: User, session: CheckoutSession, stripe: SandboxProcess
) -> None:
    stripe.control("faults", endpoint="POST /v1/checkout/sessions", kind="reset", when="after", count=2)
    with pytest.raises(StripeUnavailable):
        opening.open_payment(owner=alice, session=session)

    sweeping.sweep(is_all=True)
    assert Purchase.objects.get().status == "open"


def test_two_sweeps_share_the_work(alice: User, paid: Purchase) -> None:
    make_due()

    assert sweeping.sweep().checked == 1
    assert sweeping.sweep().checked == 0


def test_the_command_says_how_it_went(alice: User, paid: Purchase) -> None:
    out = StringIO()
    call_command("sweep", "--all", "--json", stdout=out)

    assert json.loads(out.getvalue()) == {"checked": 1, "credited": 1, "failed": 0, "waiting": 0}


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
