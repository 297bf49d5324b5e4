"""diagnose: one sentence for every state, from both sides, changing nothing."""

import json
import re
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from pytest_django.fixtures import Settings

from accounts.models import User
from credits.balances import balance_of
from purchases import diagnosis, refunds
from purchases.fulfilment import settle
from purchases.models import Purchase
from tests.conftest import superuser_connection
from tests.purchases.conftest import completed, deliver
from tests.sandbox_process import SandboxProcess


def verdict(name: object) -> str:
    return diagnosis.diagnose(str(name)).verdict


@pytest.fixture
def credited(paid: Purchase) -> Purchase:
    deliver(completed(paid, created=1_800_000_000))
    return Purchase.objects.get(pk=paid.pk)


@pytest.mark.parametrize("name", ["stripe_session_id", "payment_intent", "uuid", "checkout_session_id"])
def test_credited_by_any_name(credited: Purchase, name: str) -> None:
    said = verdict(getattr(credited, name))

    moment = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"
    assert re.fullmatch(rf"Paid at Stripe {moment}, credited {moment} by webhook, 200 \+ 20 credits\.", said)


def test_an_unknown_payment_intent_is_found_through_stripe(paid: Purchase, stripe: SandboxProcess) -> None:
    session = stripe.control(f"sessions/{paid.stripe_session_id}/tamper")

    assert verdict(session["payment_intent"]).endswith("not credited yet: settle it now.")


def test_unpaid(opened: Purchase) -> None:
    assert verdict(opened.uuid).startswith("Not paid: Stripe's page is open until 20")


def test_paid_and_nobody_told_us(paid: Purchase, alice: User) -> None:
    assert verdict(paid.uuid).endswith("not credited yet: settle it now.")
    assert balance_of(alice).available == 0


def test_processing(opened: Purchase, stripe: SandboxProcess) -> None:
    stripe.pay(opened.stripe_session_id or "", method="bank_debit")
    assert "the money is on its way" in verdict(opened.uuid)
    settle(opened.stripe_session_id or "", via=Purchase.Via.SWEEP)

    assert verdict(opened.uuid).startswith(
        "The money is on its way (a delayed method). Asked 0 times, next at"
    )
    Purchase.objects.update(checks=1)
    assert "Asked 1 time, next at" in verdict(opened.uuid)


def test_failed(opened: Purchase, stripe: SandboxProcess) -> None:
    stripe.pay(opened.stripe_session_id or "", method="bank_debit")
    stripe.control(f"sessions/{opened.stripe_session_id}/settle", succeed=False)
    settle(opened.stripe_session_id or "", via=Purchase.Via.SWEEP)

    assert verdict(opened.uuid).startswith("The payment failed at Stripe")


def test_expired(opened: Purchase, stripe: SandboxProcess) -> None:
    stripe.control(f"sessions/{opened.stripe_session_id}/expire")
    assert "has expired" in verdict(opened.uuid)
    settle(opened.stripe_session_id or "", via=Purchase.Via.SWEEP)

    assert verdict(opened.uuid) == "Not paid: its time at Stripe has passed. Nothing was charged."


def test_in_review_and_why(opened: Purchase, stripe: SandboxProcess) -> None:
    stripe.pay(opened.stripe_session_id or "", amount_total=1, amount_subtotal=1)
    settle(opened.stripe_session_id or "", via=Purchase.Via.SWEEP)

    assert verdict(opened.uuid).endswith(
        "in review and not credited: amount: 1800 here, 1 at Stripe. Release it, or refund it."
    )


def test_refunded(credited: Purchase) -> None:
    refunds.refund(credited, amount_minor=900, reason="x", actor="x")

    assert "$9.00 refunded. 110 credits were taken back." in verdict(credited.uuid)


def test_a_refund_that_took_one_credit(credited: Purchase) -> None:
    refunds.refund(credited, amount_minor=9, reason="x", actor="x")

    assert "1 credit was taken back." in verdict(credited.uuid)


def test_credited_but_unpaid_or_unknown_at_stripe(credited: Purchase, stripe: SandboxProcess) -> None:
    stripe.control(f"sessions/{credited.stripe_session_id}/tamper", payment_status="unpaid")
    assert "But Stripe says that it is not paid (complete, unpaid, $18.00)" in verdict(credited.uuid)

    stripe.control(f"objects/{credited.stripe_session_id}/delete")
    assert "Stripe does not know it any more" in verdict(credited.uuid)


@pytest.mark.django_db(transaction=True)
def test_credited_without_the_ledger(credited: Purchase) -> None:
    with superuser_connection() as superuser:
        superuser.execute("set session_replication_role = replica; delete from credits_transaction")

    assert "the ledger has no such purchase" in verdict(credited.uuid)


def test_a_gone_owner(opened: Purchase, stripe: SandboxProcess) -> None:
    stripe.pay(opened.stripe_session_id or "")
    Purchase.objects.update(owner=None)
    settle(opened.stripe_session_id or "", via=Purchase.Via.SWEEP)

    assert "whoever bought it is gone: refund it." in verdict(opened.uuid)


def test_a_row_that_is_gone_is_still_ours(paid: Purchase) -> None:
    session_id = paid.stripe_session_id
    Purchase.objects.all().delete()

    assert verdict(session_id).endswith("as ours, but our row is gone: settling rebuilds it.")
    assert not Purchase.objects.exists()


def test_another_programs_session_is_not_ours(paid: Purchase, stripe: SandboxProcess) -> None:
    session_id = paid.stripe_session_id
    stripe.control(f"sessions/{session_id}/tamper", metadata={})
    Purchase.objects.all().delete()

    assert verdict(session_id) == (
        "Stripe knows it (complete, paid, $18.00), but it is not ours: another program opened it."
    )


@pytest.mark.parametrize("name", ["cs_test_nobody", "pi_nobody", "nobody@example.com", "nonsense"])
def test_unknown_everywhere(stripe: SandboxProcess, db: None, name: str) -> None:
    assert verdict(name) == f"Nothing goes by {name}, neither here nor at Stripe."


def test_without_stripe_our_own_books_are_told(credited: Purchase, settings: Settings) -> None:
    settings.STRIPE_API_BASE = "http://127.0.0.1:9"

    said = verdict(credited.uuid)
    assert "by webhook, 200 + 20 credits." in said
    assert "Stripe gave no answer just now" in said
    assert "Stripe gave no answer just now" in verdict("cs_test_nobody")
    assert "Stripe gave no answer just now" in verdict("pi_nobody")


def test_a_person_is_told_by_the_purchase_in_trouble(
    alice: User, credited: Purchase, stripe: SandboxProcess
) -> None:
    case = diagnosis.diagnose("ALICE@example.com")

    assert case.purchase == credited
    assert case.others == []


def run(name: object) -> tuple[dict[str, Any], int]:
    out, code = StringIO(), 0
    try:
        call_command("diagnose", str(name), "--json", stdout=out)
    except SystemExit as end:
        code = int(str(end))
    return json.loads(out.getvalue()), code


def test_the_command_tells_everything_and_no_personal_data(alice: User, credited: Purchase) -> None:
    said, code = run("alice@example.com")

    assert code == 0
    assert set(said) >= {"verdict", "purchase", "checkout_session", "stripe", "events", "entries"}
    assert said["purchase"]["status"] == "credited"
    assert said["checkout_session"]["status"] == "completed"
    assert (said["stripe"]["payment_status"], said["stripe"]["amount_total"]) == ("paid", 1800)
    assert [event["event_id"] for event in said["events"]] == ["evt_1"]
    assert [entry["amount"] for entry in said["entries"]] == [200, 20]
    assert "@" not in json.dumps(said)
    assert "signature" not in json.dumps(said)


def test_the_command_exits_1_where_something_is_off(paid: Purchase) -> None:
    assert run(paid.uuid)[1] == 1
    assert run("cs_test_nobody")[1] == 1


def test_the_command_speaks_to_people_too(credited: Purchase) -> None:
    out = StringIO()
    call_command("diagnose", str(credited.uuid), stdout=out)

    assert out.getvalue().startswith("Paid at Stripe ")
    assert "entries: 2" in out.getvalue()


def test_nothing_is_changed(paid: Purchase) -> None:
    before = Purchase.objects.values().get()
    diagnosis.diagnose(str(paid.uuid))

    assert Purchase.objects.values().get() == before


@pytest.mark.parametrize("method", ["get", "post"])
def test_the_page_shows_the_verdict_and_the_tools(paid: Purchase, admin_client: Client, method: str) -> None:
    page = getattr(admin_client, method)(
        "/admin/purchases/purchase/diagnose/", {"payment": str(paid.uuid)}
    ).content.decode()

    assert "not credited yet: settle it now." in page
    assert f"/admin/purchases/purchase/{paid.pk}/settle/" in page
