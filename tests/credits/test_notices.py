"""People are told in time, and once."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from accounts.models import User
from credits.balances import balance_of
from credits.deposits import NewLot, claw_back, grant
from credits.notices import Notes, notes_on, post_due
from outbox.models import Message
from tests.credits.conftest import Give, Take

NOW = datetime.now(UTC)


def days(count: float) -> datetime:
    return NOW + timedelta(days=count)


def told() -> list[tuple[str, Any]]:
    """Topic and number of what was left for Alice."""
    rows = Message.objects.filter(topic__in=["credits.expiring", "credits.low"]).order_by("pk")
    return [(row.topic, row.context.get("expiring", row.context.get("left"))) for row in rows]


def older(months: int = 12) -> None:
    """Lots that were given long ago: only the owner of the tables may say so."""
    from tests.conftest import superuser_connection

    with superuser_connection() as superuser:
        superuser.execute("set session_replication_role = replica")
        superuser.execute(
            "update credits_lot set created_at = created_at - make_interval(months => %s)", [months]
        )


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("left", "posted"), [(20, 0), (13, 1), (2, 1)])
def test_credits_that_end_soon_are_announced_once(alice: User, give: Give, left: int, posted: int) -> None:
    give(500)
    give(30, expires_at=days(left))
    older()

    assert [post_due(), post_due()] == [posted, 0]
    assert told() == [("credits.expiring", 30)] * posted
    account = str(balance_of(alice).account)
    assert [message.context["account"] for message in Message.objects.all()] == [account] * posted


@pytest.mark.django_db(transaction=True)
def test_both_notices_come_in_their_time(alice: User, give: Give) -> None:
    give(500)
    give(30, expires_at=days(13))
    older()
    post_due()
    key = Message.objects.get().key
    assert key.endswith(":14")

    give(7, expires_at=days(2))
    older()
    post_due()
    assert told() == [("credits.expiring", 30), ("credits.expiring", 7)]


def test_what_was_never_meant_to_last_is_not_announced(alice: User, give: Give) -> None:
    give(500)
    give(30, expires_at=days(13))

    assert post_due() == 0


def test_a_low_balance_that_no_verb_told_of_is_found_once(
    alice: User, give: Give, take: Take, settings: Any
) -> None:
    def take_untold(amount: int, key: str) -> None:
        settings.LOW_BALANCE_CREDITS = 0
        take(amount, key)
        settings.LOW_BALANCE_CREDITS = 10

    give(50)
    take_untold(41, "job:1")
    assert [post_due(), post_due()] == [1, 0]

    take_untold(1, "job:2")
    assert post_due() == 0
    give(50)
    take_untold(50, "job:3")
    assert post_due() == 1
    assert told() == [("credits.low", 9), ("credits.low", 8)]


@pytest.mark.parametrize(("may_spend", "left"), [(False, [("credits.low", 0)]), (True, [])])
def test_in_debt_what_cannot_be_spent_does_not_count(
    alice: User, give: Give, take: Take, settings: Any, may_spend: bool, left: list[tuple[str, int]]
) -> None:
    settings.LOW_BALANCE_CREDITS = 0
    lots = [NewLot(kind="paid", amount=100)]
    grant(user=alice, lots=lots, kind="purchase", source="cs_1", scope="tests", key="grant:1")
    take(100, "job:1")
    give(50)
    claw_back(source="cs_1", returned_minor=900, paid_minor=900, scope="tests", key="refund:1")
    settings.LOW_BALANCE_CREDITS, settings.CREDITS_SPENDING_IN_DEBT = 10, may_spend

    post_due()

    assert told() == left


def test_who_never_spent_is_not_told(alice: User, give: Give) -> None:
    give(5)

    assert post_due() == 0


def test_a_page_notes_what_matters(alice: User, give: Give) -> None:
    assert notes_on(balance_of(alice), now=NOW) == Notes(is_low=False, ends_soon=False)
    give(5, expires_at=days(13))
    assert notes_on(balance_of(alice), now=NOW) == Notes(is_low=True, ends_soon=True)
    give(500, expires_at=days(40))
    assert notes_on(balance_of(alice), now=NOW) == Notes(is_low=False, ends_soon=True)
