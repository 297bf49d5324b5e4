"""Debt and paid credits that met before 0052_transfer.sql both stayed: 0061_repay.sql settles them."""

from collections.abc import Iterator

import psycopg
import pytest
from django.conf import settings

from accounts.models import User
from credits.balances import balance_of
from credits.deposits import NewLot, claw_back, grant
from credits.models import Entry
from credits.proof import prove
from credits.spending import spend
from credits.transfers import transfer
from tests.credits.conftest import Give

pytestmark = pytest.mark.django_db(transaction=True)

FOLDER = settings.BASE_DIR / "credits" / "sql"


def function_of(file: str) -> str:
    """credits_move as a file has it."""
    text = (FOLDER / file).read_text().replace("create function", "create or replace function")
    begin = text.index("create or replace function credits_move(")
    return text[begin : text.index("\n$$;", begin) + 4]


@pytest.fixture
def frozen(alice: User, give: Give, owner: psycopg.Connection) -> Iterator[User]:
    """Alice has 30 paid and 5 promotional credits and owes 20, as a transfer left it in those days."""
    guest = User.objects.create(is_guest=True)
    lots = [NewLot(kind="paid", amount=20, price_minor=200, currency="USD")]
    grant(user=guest, lots=lots, kind="purchase", source="cs_1", scope="tests", key="cs_1")
    spend(user=guest, amount=20, scope="tests", key="job")
    claw_back(source="cs_1", returned_minor=200, paid_minor=200, scope="tests", key="refund")
    give(10, kind="paid", priority=50)
    give(20, kind="paid")
    give(5)
    owner.execute(function_of("0013_transfer.sql"))
    try:
        transfer(source=guest, target=alice, scope="tests", key="claim")
        yield alice
    finally:
        newest = max(
            path.name for path in FOLDER.glob("*.sql") if "function credits_move(" in path.read_text()
        )
        owner.execute(function_of(newest))


def test_paid_credits_repay_what_is_owed_once(frozen: User, owner: psycopg.Connection) -> None:
    before = balance_of(frozen)
    assert (before.available, before.debt) == (0, 20)

    for _ in range(2):
        owner.execute((FOLDER / "0061_repay.sql").read_text())

    after = balance_of(frozen)
    assert (after.available, after.debt) == (15, 0)
    repaid = Entry.objects.filter(account__user=frozen, kind="repayment").order_by("account_seq")
    assert [(line.amount, line.lot and line.lot.priority) for line in repaid] == [(-10, 50), (-10, 100)]
    assert prove().problems == []


def test_others_are_left_alone(alice: User, bob: User, give: Give, owner: psycopg.Connection) -> None:
    give(10, kind="paid")
    grant(
        user=bob, lots=[NewLot(kind="paid", amount=9)], kind="purchase", source="cs_2", scope="tests", key="b"
    )
    spend(user=bob, amount=9, scope="tests", key="job")
    claw_back(source="cs_2", returned_minor=1, paid_minor=1, scope="tests", key="refund")
    give(7, user=bob)
    owner.execute((FOLDER / "0061_repay.sql").read_text())

    assert (balance_of(alice).available, balance_of(bob).debt) == (10, 9)
    assert prove().problems == []
