"""verify_ledger finds what somebody with the triggers off has done."""

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command

from accounts.models import User
from credits.balances import balance_of
from credits.proof import prove
from credits.spending import hold
from credits.sweeping import sweep_credits
from tests.conftest import superuser_connection
from tests.credits.clock import Clock
from tests.credits.conftest import Give, Take

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ledger(bob: User, clock: Clock, give: Give, take: Take) -> None:
    """Alice was given 50, 20 and 10, spent 60 over two lots, and 10 expired; Bob was given 7."""
    give(50)
    give(20, kind="paid", price_minor=900, currency="EUR", expires_after=timedelta(days=9))
    give(10, expires_after=timedelta(minutes=5), priority=200)
    take(60, "job:1")
    give(7, user=bob)
    clock.pass_(hours=1)
    sweep_credits()


def tamper(statement: str) -> None:
    with superuser_connection() as superuser:
        superuser.execute("set session_replication_role = replica")
        assert superuser.execute(statement).rowcount > 0


def found() -> list[tuple[str, str]]:
    return [(problem.where.split()[0], problem.what.split(" is ")[0]) for problem in prove().problems]


def test_an_honest_ledger_is_proved(ledger: None) -> None:
    report = prove()

    assert (report.accounts, report.entries, report.problems) == (2, 7, [])


def test_one_account_may_be_proved_alone(ledger: None, alice: User, take: Take) -> None:
    report = prove(account=balance_of(alice).account)

    assert (report.accounts, report.entries, report.problems) == (1, 6, [])


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("update credits_account set posted = posted + 1 where seq = 1", ("account", "posted")),
        ("update credits_account set held = 1 where seq = 1", ("lots", "sum of what")),
        ("update credits_account set debt = 1 where seq = 1", ("account", "debt")),
        ("update credits_account set lifetime = 1 where seq = 1", ("account", "lifetime")),
        ("update credits_account set spent = 1 where seq = 1", ("account", "spent")),
        ("update credits_account set version = 9 where seq = 1", ("account", "version")),
        ("update credits_account set head_hash = '' where seq = 1", ("account", "head_hash")),
        ("update credits_lot set remaining = remaining - 1 where granted = 7", ("lot", "remaining")),
        ("update credits_lot set held = 1 where granted = 7", ("lot", "held")),
        ("update credits_lot set expires_at = now() where granted = 7", ("lot", "expires_at")),
        ("update credits_lot set price_minor = 1 where price_minor = 900", ("lot", "price_minor")),
        ("update credits_lot set kind = 'paid' where granted = 7", ("lot", "kind")),
        ("update credits_lot set purchase_ref = 'x' where granted = 7", ("lot", "purchase_ref")),
        ("update credits_entry set amount = 8 where amount = 7", ("entry", "hash")),
        ("update credits_entry set amount = 8 where amount = 7", ("entry", "balance after it")),
        ("update credits_entry set created_at = created_at - interval '1 day' where amount = 7", ("entry", "hash")),
        ("update credits_entry set kind = 'bonus' where amount = 7", ("entry", "hash")),
        ("update credits_entry set row_hash = prev_hash where amount = 7", ("entry", "hash")),
        ("update credits_transaction set reason = 'x' where amount = 7", ("entry", "transaction's digest")),
        ("update credits_transaction set result = '{}' where amount = 7", ("entry", "transaction's digest")),
        ("update credits_transaction set account_id = account_id + 1", ("entry", "transaction's account")),
        ("delete from credits_entry where account_seq = 2", ("entry", "number")),
        ("delete from credits_account where seq = 1", ("account", "is missing, though rows name it")),
        ("delete from credits_lot where granted = 7", ("lots", "entries name a lot")),
    ],
)  # fmt: skip
def test_what_was_altered_is_named(ledger: None, statement: str, expected: tuple[str, str]) -> None:
    tamper(statement)

    problems = [(where, what) for where, what in found() if where == expected[0]]
    assert any(what.startswith(expected[1]) for _, what in problems), problems


def test_a_whole_entry_rewritten_with_its_hash_breaks_the_chain(ledger: None) -> None:
    tamper("update credits_entry set row_hash = sha256('forged') where account_seq = 3")

    assert ("entry", "hash of the entry before it") in found()


def test_the_command_exits_with_1_and_names_the_problem(ledger: None, alice: User) -> None:
    tamper("update credits_account set posted = posted + 1 where seq = 1")
    printed = StringIO()

    with pytest.raises(SystemExit) as end:
        call_command("verify_ledger", stdout=printed)

    assert end.value.code == 1
    assert ": account: posted is 8, not 7" in printed.getvalue()


def test_the_command_prints_one_object(ledger: None) -> None:
    printed = StringIO()

    call_command("verify_ledger", "--json", stdout=printed)

    assert json.loads(printed.getvalue()) == {"accounts": 2, "entries": 7, "problems": []}


def test_an_altered_hold_is_named(ledger: None, bob: User) -> None:
    hold(user=bob, amount=3, scope="tests", key="job:2")
    tamper("update credits_transaction set amount = 4 where kind = 'hold'")
    tamper("update credits_hold set amount = 4, is_open = false")

    assert sorted(found()) == [
        ("hold", "is_open"),
        ("hold", "sum of its lines"),
        ("transaction", "does not have the digest it was stored with"),
    ]


def test_rows_of_the_last_account_gone_are_named(ledger: None) -> None:
    tamper("delete from credits_account where seq > 1")
    tamper("delete from credits_account")

    assert set(found()) == {("account", "is missing, though rows name it")}
