"""What is told in the statement that posts."""

from typing import Any

import pytest
from django.db import transaction

from accounts.models import User
from credits.balances import balance_of
from credits.deposits import NewLot, claw_back, grant
from credits.errors import InsufficientCredits
from credits.notices import post_due
from credits.spending import hold
from outbox.models import Message
from tests.credits.conftest import Give, Take

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _settings(settings: Any) -> None:
    settings.LOW_BALANCE_CREDITS = 10


def told(topic: str) -> list[Any]:
    return [row.context for row in Message.objects.filter(topic=topic).order_by("pk")]


def test_a_balance_that_falls_below_is_told_once(give: Give, take: Take) -> None:
    account = give(50).account
    take(40, "job:1")
    assert told("credits.low") == []

    take(3, "job:2")
    take(3, "job:2")
    take(1, "job:3")
    post_due()

    assert told("credits.low") == [
        {"account": str(account), "available": 7, "threshold": 10, "left": 7, "path": "/pricing/"}
    ]


def test_it_is_told_again_after_more_came(give: Give, take: Take) -> None:
    give(50)
    take(45, "job:1")
    give(20)
    take(20, "job:2")

    assert [context["left"] for context in told("credits.low")] == [5, 5]


def test_holds_and_refunds_are_told_of_too(alice: User, bob: User, give: Give) -> None:
    give(50)
    hold(user=alice, amount=45, scope="tests", key="job:1")
    lots = [NewLot(kind="paid", amount=100)]
    grant(user=bob, lots=lots, kind="purchase", source="cs_1", scope="tests", key="grant:1")
    claw_back(source="cs_1", returned_minor=900, paid_minor=900, scope="tests", key="refund:1")

    assert [context["left"] for context in told("credits.low")] == [5, 0]


def test_a_refund_of_a_pack_that_leaves_debt_is_told_of(give: Give, alice: User, take: Take) -> None:
    lots = [NewLot(kind="paid", amount=100), NewLot(kind="bonus", amount=20)]
    grant(user=alice, lots=lots, kind="purchase", source="cs_1", scope="tests", key="grant:1")
    give(500, priority=900)
    take(120, "job:1")

    claw_back(source="cs_1", returned_minor=900, paid_minor=900, scope="tests", key="refund:1")

    assert [context["left"] for context in told("credits.low")] == [0]


def test_nothing_is_told_of_what_did_not_happen(give: Give, take: Take) -> None:
    give(50)
    with pytest.raises(InsufficientCredits):
        take(51, "job:1")
    with transaction.atomic():
        take(45, "job:2")
        transaction.set_rollback(True)

    assert told("credits.low") == []


def test_the_setting_switches_it_off(give: Give, take: Take, settings: Any) -> None:
    settings.LOW_BALANCE_CREDITS = 0
    give(50)
    take(50, "job:1")

    assert told("credits.low") == []


def test_webhooks_are_told_of_what_moved_where_asked(
    alice: User, give: Give, take: Take, settings: Any
) -> None:
    take_nothing = told("credits.granted") + told("credits.spent")
    settings.CREDITS_TELL_GRANTED = settings.CREDITS_TELL_SPENT = True
    given = give(50)
    spent = take(20, "job:1")
    take(20, "job:1")

    assert take_nothing == []
    assert [(c["transaction"], c["available_before"], c["available"]) for c in told("credits.granted")] == [
        (str(given.id), 0, 50)
    ]
    assert [(c["transaction"], c["available_before"], c["available"]) for c in told("credits.spent")] == [
        (str(spent.id), 50, 30)
    ]
    assert set(
        Message.objects.filter(topic__in=["credits.granted", "credits.spent"]).values_list("state", flat=True)
    ) == {"quiet"}
    assert balance_of(alice).available == 30
