"""The daily proof: Stripe's paid sessions against purchases and ledger, both ways."""

import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection
from django.test import Client

from accounts.models import User
from checkout import sessions
from checkout.locks import database_now
from checkout.models import Tier
from credits.balances import balance_of
from outbox.models import Message
from purchases import opening, proof, tasks
from purchases.fulfilment import settle
from purchases.models import ProofReport, Purchase
from purchases.stripe_gateway import lists
from tests.conftest import superuser_connection
from tests.sandbox_process import SandboxProcess


def prove() -> ProofReport:
    now = database_now()
    return proof.prove(from_at=now - timedelta(days=2), to_at=now + timedelta(hours=1))


def summary(report: ProofReport) -> tuple[int, int, int, int]:
    return report.sessions, report.missing, report.settled, report.odd


def kinds(report: ProofReport) -> list[str]:
    return [found["kind"] for found in report.findings]


@pytest.fixture
def credited(paid: Purchase) -> Purchase:
    return settle(paid.stripe_session_id or "", via=Purchase.Via.WEBHOOK).purchase or paid


def test_all_is_fine_where_all_agree(credited: Purchase) -> None:
    report = prove()

    assert summary(report) == (1, 0, 0, 0)
    assert report.is_fine
    assert report.totals == {
        "USD": {
            "sessions": 1,
            "paid_minor": 1800,
            "purchases": 1,
            "recorded_minor": 1800,
            "sold_credits": 220,
            "granted_credits": 220,
            "returned": 0,
            "returned_minor": 0,
            "booked": 0,
            "booked_minor": 0,
        }
    }
    assert not Message.objects.filter(topic="staff.proof").exists()


def test_what_is_missing_is_settled_and_told(alice: User, paid: Purchase, admin: User) -> None:
    report = prove()

    assert summary(report) == (1, 1, 1, 0)
    assert kinds(report) == ["missing"]
    assert balance_of(alice).available == 220
    assert Purchase.objects.get().credited_via == "proof"
    assert list(Message.objects.filter(topic="staff.proof").values_list("user_id", flat=True)) == [admin.pk]
    assert summary(prove()) == (1, 0, 0, 0)


def test_an_unpaid_session_is_nobodys_business(opened: Purchase) -> None:
    assert summary(prove()) == (0, 0, 0, 0)


@pytest.mark.django_db(transaction=True)
def test_a_lost_row_is_rebuilt(alice: User, paid: Purchase) -> None:
    with superuser_connection() as superuser:
        superuser.execute("set session_replication_role = replica; delete from purchases_purchase")

    assert summary(prove()) == (1, 1, 1, 0)
    assert balance_of(alice).available == 220


def test_a_wrong_amount_goes_to_review(alice: User, opened: Purchase, stripe: SandboxProcess) -> None:
    stripe.pay(opened.stripe_session_id or "", amount_total=1, amount_subtotal=1)

    report = prove()
    assert summary(report) == (1, 1, 0, 1)
    assert Purchase.objects.get().status == "review"
    assert "1800 here, 1 at Stripe" in report.findings[-1]["what"]
    assert balance_of(alice).available == 0


@pytest.mark.django_db(transaction=True)
def test_sessions_of_another_program_are_counted_and_left_alone(
    credited: Purchase, stripe: SandboxProcess
) -> None:
    stripe.control(f"sessions/{credited.stripe_session_id}/tamper", metadata={})
    with superuser_connection() as superuser:
        superuser.execute(
            "set session_replication_role = replica;"
            "update purchases_purchase set stripe_session_id = 'cs_other'; "
            "update credits_transaction set source = 'cs_other'"
        )

    report = prove()
    assert (report.sessions, report.not_ours) == (0, 1)


def test_a_credited_purchase_that_stripe_says_is_unpaid_is_odd(
    alice: User, credited: Purchase, stripe: SandboxProcess
) -> None:
    stripe.control(f"sessions/{credited.stripe_session_id}/tamper", payment_status="unpaid", status="open")

    report = prove()
    assert (summary(report), kinds(report)) == ((0, 0, 0, 1), ["unpaid"])
    assert balance_of(alice).available == 220


def test_a_credited_purchase_that_stripe_does_not_know_is_odd(
    credited: Purchase, stripe: SandboxProcess
) -> None:
    stripe.control(f"objects/{credited.stripe_session_id}/delete")

    assert kinds(prove()) == ["unpaid"]


def test_with_the_key_of_another_account_not_every_session_is_asked_about(
    credited: Purchase, stripe: SandboxProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    stripe.control(f"objects/{credited.stripe_session_id}/delete")
    monkeypatch.setattr(proof, "MOST_ASKED", 0)

    report = prove()
    assert (kinds(report), report.findings[0]["what"]) == (["unpaid"], proof.NOT_LISTED)
    assert stripe.requests(path=f"/v1/checkout/sessions/{credited.stripe_session_id}")[1:] == []


@pytest.mark.django_db(transaction=True)
def test_a_purchase_in_the_ledger_alone_is_odd(credited: Purchase, stripe: SandboxProcess) -> None:
    stripe.control(f"objects/{credited.stripe_session_id}/delete")
    with superuser_connection() as superuser:
        superuser.execute("set session_replication_role = replica; delete from purchases_purchase")

    assert kinds(prove()) == ["without_purchase"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("harm", "said"),
    [
        ("update credits_transaction set source = 'cs_x'", "the ledger has no such purchase"),
        ("update credits_transaction set amount = 7", "credits: 220 here, 7 there"),
        ("update purchases_purchase set amount_total = 5", "amount: 5 here, 1800 there"),
        ("update purchases_purchase set owner_id = {bob}", "owner: "),
        ("update credits_account set user_id = {bob}", "owner: "),
    ],
)
def test_a_difference_is_named(credited: Purchase, bob: User, harm: str, said: str) -> None:
    with superuser_connection() as superuser:
        superuser.execute(f"set session_replication_role = replica; {harm.format(bob=bob.pk)}")

    report = prove()
    assert report.odd >= 1
    assert said in report.findings[0]["what"]


def test_a_payment_older_than_the_event_list_is_found(
    alice: User, paid: Purchase, stripe: SandboxProcess
) -> None:
    stripe.control("clock", advance=40 * 86400)
    day = f"{paid.created_at:%Y-%m-%d}"
    with pytest.raises(SystemExit, match="1"):
        call_command("prove", "--from", day, "--to", day, "--json", stdout=StringIO())

    assert balance_of(alice).available == 220


def test_only_the_window_is_looked_at(paid: Purchase) -> None:
    now = database_now()

    report = proof.prove(from_at=now - timedelta(days=60), to_at=now - timedelta(days=50))
    assert summary(report) == (0, 0, 0, 0)


def test_more_than_one_page(
    alice: User, bob: User, paid: Purchase, plus: Tier, stripe: SandboxProcess
) -> None:
    other = opening.open_payment(owner=bob, session=sessions.start(owner=bob, tier=plus)).purchase
    stripe.pay(other.stripe_session_id or "")
    lists.PAGE = 1
    try:
        assert summary(prove()) == (2, 2, 2, 0)
    finally:
        lists.PAGE = 100
    assert len(stripe.requests(method="GET", path="/v1/checkout/sessions")) >= 3


def test_the_beat_proves_once_a_day(paid: Purchase) -> None:
    tasks.prove()
    tasks.prove()

    report = ProofReport.objects.get()
    assert timedelta(minutes=59) < report.created_at - report.to_at < timedelta(minutes=61)
    assert (report.sessions, Purchase.objects.get().status) == (0, "open")  # of this hour: on its way


def test_a_proof_by_hand_of_a_short_window_does_not_replace_the_daily_one(db: None, stripe: Any) -> None:
    prove()
    tasks.prove()

    assert ProofReport.objects.count() == 2


def test_the_command_says_what_was_off(alice: User, paid: Purchase) -> None:
    out = StringIO()
    with pytest.raises(SystemExit, match="1"):
        call_command("prove", "--json", stdout=out)

    said = json.loads(out.getvalue())
    assert (said["sessions"], said["missing"], said["settled"], said["odd"]) == (1, 1, 1, 0)
    assert said["totals"]["USD"]["granted_credits"] == 220

    out = StringIO()
    call_command("prove", "--json", stdout=out)
    assert json.loads(out.getvalue())["missing"] == 0


def test_the_command_refuses_a_window_that_ends_before_it_begins(db: None) -> None:
    with pytest.raises(CommandError, match="ends before"):
        call_command("prove", "--from", "2026-03-02", "--to", "2026-03-01")


@pytest.mark.parametrize("words", [["--days=800000"], [f"--days={10**11 - 1}"], ["--to=9999-12-31"]])
def test_a_window_beyond_all_dates_is_refused(db: None, words: list[str]) -> None:
    with pytest.raises(CommandError, match=r"^The window reaches beyond the years that dates have\.$"):
        call_command("prove", *words)


def test_what_is_no_day_is_refused() -> None:
    with pytest.raises(CommandError, match="--from: '2026-13-01' is no day such as 2026-11-30"):
        call_command("prove", "--from=2026-13-01")


def test_the_command_says_that_stripe_is_away(db: None) -> None:
    with pytest.raises(CommandError, match="Not proved"):
        call_command("prove", "--json")
    assert not ProofReport.objects.exists()


def test_the_report_is_shown_in_the_admin(paid: Purchase, admin_client: Client) -> None:
    report = prove()

    assert admin_client.get("/admin/purchases/proofreport/").status_code == 200
    page = admin_client.get(f"/admin/purchases/proofreport/{report.pk}/change/").content.decode()
    assert str(paid.stripe_session_id) in page


@pytest.mark.parametrize(
    ("change", "guard"),
    [
        ("to_at = from_at", "window"),
        ("settled = missing + 1", "add_up"),
        ("missing = sessions + 1", "add_up"),
    ],
)
def test_the_database_refuses_a_report_that_does_not_add_up(
    credited: Purchase, change: str, guard: str
) -> None:
    prove()

    with pytest.raises(IntegrityError, match=guard), connection.cursor() as cursor:
        cursor.execute(f"update purchases_proofreport set {change}")
