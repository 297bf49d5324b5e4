"""The daily proof of every account is kept, and damage is an alarm."""

import json

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction

from accounts.models import User
from credits import deposits, metrics, verifying
from credits.deposits import NewLot
from credits.models import VerifyRun
from tests.conftest import superuser_connection


@pytest.mark.django_db(transaction=True)
def test_a_sound_ledger_is_noted_as_such(alice: User) -> None:
    deposits.grant(user=alice, lots=[NewLot(kind="promo", amount=5)], scope="test", key="a")
    verifying.verify()

    run = VerifyRun.objects.get()
    assert (run.accounts, run.entries, run.problems) == (1, 1, 0)
    found = metrics.last_verified()
    assert found
    assert found.is_fine


@pytest.mark.django_db(transaction=True)
def test_damage_is_counted(alice: User) -> None:
    deposits.grant(user=alice, lots=[NewLot(kind="promo", amount=5)], scope="test", key="a")
    with superuser_connection() as superuser:
        superuser.execute("set session_replication_role = replica")
        superuser.execute("update credits_account set posted = 50")
    with pytest.raises(SystemExit):
        call_command("verify_ledger", "--json")

    found = metrics.last_verified()
    assert found
    assert not found.is_fine


def test_one_account_is_no_proof_of_all(alice: User) -> None:
    account = deposits.grant(user=alice, lots=[NewLot(kind="promo", amount=5)], scope="test", key="a").account
    call_command("verify_ledger", "--account", str(account), "--json")

    assert not VerifyRun.objects.exists()


def test_where_nothing_may_be_written_the_proof_is_the_same(alice: User) -> None:
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("set transaction read only")
        report = verifying.verify()

    assert report.problems == []
    assert not VerifyRun.objects.exists()


def test_the_database_refuses_counts_below_zero(db: None) -> None:
    with pytest.raises(IntegrityError, match="counts_not_negative"), transaction.atomic():
        VerifyRun.objects.create(accounts=-1, entries=0, problems=0)


def test_an_account_that_is_not_there_is_no_proof(db: None, capsys: pytest.CaptureFixture[str]) -> None:
    unknown = "0192f0c1-2b3a-7c4d-8e5f-60718293a4b5"

    with pytest.raises(SystemExit, match="1"):
        call_command("verify_ledger", "--account", unknown, "--json")
    assert json.loads(capsys.readouterr().out) == {
        "accounts": 0,
        "entries": 0,
        "problems": [{"account": unknown, "where": "account", "what": "there is none"}],
    }
