"""The backfill: Stripe's event list alone brings every payment in."""

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection
from django.db.models.functions import Now

from accounts.models import User
from checkout import sessions
from checkout.models import Tier
from credits.balances import balance_of
from purchases import backfill, inbox, opening, stripe_gateway
from purchases.errors import StripeUnavailable
from purchases.models import BackfillRun, Purchase, StripeEvent
from tests.purchases.conftest import completed, deliver
from tests.sandbox_process import SandboxProcess

EVENTS = "GET /v1/events"


def counts(run: BackfillRun) -> tuple[int, int, int]:
    return run.credited, run.failed, run.waiting


def test_an_event_nobody_brought_is_credited(alice: User, paid: Purchase) -> None:
    assert counts(backfill.backfill()) == (1, 0, 0)

    assert balance_of(alice).available == 220
    assert Purchase.objects.get().credited_via == "backfill"
    assert set(StripeEvent.objects.values_list("state", "delivered_at")) == {("handled", None)}


def test_the_next_pass_begins_near_where_the_last_one_ended(paid: Purchase, stripe: SandboxProcess) -> None:
    first = backfill.backfill()
    second = backfill.backfill()

    assert second.from_at == first.seen_until - backfill.OVERLAP
    assert counts(second) == (0, 0, 0)
    asked = stripe.requests(path="/v1/events")[-1]["params"]
    assert int(asked["created[gte]"]) == int(second.from_at.timestamp())


def test_only_what_concerns_purchases_is_asked_for(paid: Purchase, stripe: SandboxProcess) -> None:
    backfill.backfill()

    asked = stripe.requests(path="/v1/events")[-1]["params"]
    types = {kind for name, kind in asked.items() if name.startswith("types[")}
    assert types == inbox.FOLLOWED
    assert StripeEvent.objects.exclude(type__in=types).count() == 0


def test_a_failed_debit_is_counted_once(opened: Purchase, stripe: SandboxProcess) -> None:
    stripe.pay(opened.stripe_session_id or "", method="bank_debit")
    stripe.control(f"sessions/{opened.stripe_session_id}/settle", succeed=False)

    assert counts(backfill.backfill()) == (0, 1, 0)


def test_one_that_cannot_be_handled_does_not_stop_the_others(
    alice: User, bob: User, paid: Purchase, plus: Tier, stripe: SandboxProcess
) -> None:
    other = opening.open_payment(owner=bob, session=sessions.start(owner=bob, tier=plus)).purchase
    stripe.pay(other.stripe_session_id or "")
    endpoint = f"GET /v1/checkout/sessions/{paid.stripe_session_id}"
    stripe.control("faults", endpoint=endpoint, kind="status", status=500, count=4)

    run = backfill.backfill()
    assert (balance_of(alice).available, balance_of(bob).available) == (0, 220)
    assert run.waiting == StripeEvent.objects.filter(state="waiting").count() > 0

    assert counts(backfill.backfill()) == (1, 0, 0)
    assert balance_of(alice).available == 220


def test_a_list_that_breaks_off_leaves_the_cursor(paid: Purchase, stripe: SandboxProcess) -> None:
    stripe.control("faults", endpoint=EVENTS, kind="half", count=99)

    with pytest.raises(StripeUnavailable):
        backfill.backfill()
    assert not BackfillRun.objects.exists()


def test_a_page_that_does_not_come_is_asked_for_again(paid: Purchase, stripe: SandboxProcess) -> None:
    stripe.control("faults", endpoint=EVENTS, kind="status", status=429)

    assert counts(backfill.backfill()) == (1, 0, 0)


def test_an_event_brought_by_webhook_too_is_marked_delivered(paid: Purchase) -> None:
    backfill.backfill()
    found = StripeEvent.objects.get(type="checkout.session.completed")
    deliver(completed(paid, id=found.event_id))

    found.refresh_from_db()
    assert found.delivered_at is not None


def test_more_events_than_a_page_holds(paid: Purchase, stripe: SandboxProcess) -> None:
    event = stripe_gateway.events_since(paid.created_at, types=["checkout.session.completed"])
    twin = next(event).things[0]["id"]
    for _ in range(205):
        stripe.control(f"events/{twin}/twin")

    assert backfill.backfill().checked >= 206
    assert Purchase.objects.get().status == "credited"
    assert StripeEvent.objects.filter(type="checkout.session.completed").count() == 206


def test_nobody_looked_for_longer_than_stripe_keeps_events(paid: Purchase) -> None:
    backfill.backfill()
    BackfillRun.objects.update(
        ran_at=Now() - timedelta(days=31),
        seen_until=Now() - timedelta(days=31),
        from_at=Now() - timedelta(days=32),
    )
    out, err = StringIO(), StringIO()

    with pytest.raises(SystemExit, match="1"):
        call_command("backfill_events", stdout=out, stderr=err)
    assert "prove" in err.getvalue()
    assert list(BackfillRun.objects.values_list("has_gap", flat=True)) == [True]


def test_a_quiet_shop_has_no_gap(paid: Purchase) -> None:
    backfill.backfill()
    BackfillRun.objects.update(seen_until=Now() - timedelta(days=40), from_at=Now() - timedelta(days=41))

    run = backfill.backfill()
    assert run.has_gap is False
    assert run.from_at > run.ran_at - timedelta(days=30, minutes=1)


def test_the_command_says_how_it_went(alice: User, paid: Purchase) -> None:
    out = StringIO()
    call_command("backfill_events", "--json", stdout=out)

    said = json.loads(out.getvalue())
    assert set(said) == {"checked", "credited", "failed", "waiting"}
    assert (said["credited"], said["failed"], said["waiting"]) == (1, 0, 0)


@pytest.mark.parametrize("command", ["backfill_events", "prove"])
def test_an_answer_in_json_names_the_error(
    command: str, db: None, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(CommandError, match="Not "):
        call_command(command, "--json")

    assert "error" in json.loads(capsys.readouterr().out)


def test_a_cursor_cannot_end_before_it_begins(paid: Purchase) -> None:
    backfill.backfill()

    with (
        pytest.raises(IntegrityError, match="purchases_backfillrun_seen_from"),
        connection.cursor() as cursor,
    ):
        cursor.execute("update purchases_backfillrun set seen_until = from_at - interval '1 second'")
