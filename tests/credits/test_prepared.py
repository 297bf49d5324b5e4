"""Every verb as a prepared statement: the types it is called with are known before the values."""

from datetime import timedelta
from typing import Any

import pytest

from accounts.models import User
from credits.adjusting import adjust
from credits.balances import balance_of
from credits.deposits import NewLot, claw_back, grant
from credits.errors import InsufficientCredits
from credits.proof import prove
from credits.spending import capture, hold, release, reverse, spend
from credits.transfers import transfer


@pytest.fixture(autouse=True)
def _prepared(settings: Any) -> None:
    settings.CREDITS_PREPARED_STATEMENTS = True


@pytest.mark.django_db
def test_every_verb_works_prepared(alice: User, bob: User) -> None:
    lots = [NewLot(kind="paid", amount=100, expires_after=timedelta(days=9), price_minor=900, currency="USD")]
    grant(user=alice, lots=lots, kind="purchase", source="cs_1", scope="tests", key="grant:1")
    spent = spend(user=alice, amount=30, scope="tests", key="spend:1", metadata={"job": 7})
    reverse(spend=spent.id, scope="tests", key="reverse:1")
    for key, expires_in in (("a", timedelta(days=1)), ("b", None)):
        hold(user=alice, amount=10, scope="tests", key=key, expires_in=expires_in)
    holds = [
        hold(user=alice, amount=10, scope="tests", key=key, expires_in=expires_in).hold
        for key, expires_in in (("a", timedelta(days=1)), ("b", None))
    ]
    assert holds[0] is not None
    assert holds[1] is not None
    capture(hold=holds[0], scope="tests", key="capture:1")
    release(hold=holds[1], scope="tests", key="release:1")
    claw_back(source="cs_1", returned_minor=450, paid_minor=900, scope="tests", key="refund:1")
    adjust(user=alice, amount=5, scope="tests", key="adjust:1", reason="Sorry", actor="ann")
    transfer(source=alice, target=bob, scope="tests", key="claim:1")

    assert balance_of(bob).available == 45
    assert prove().problems == []


@pytest.mark.django_db
def test_a_refusal_is_the_same(alice: User) -> None:
    with pytest.raises(InsufficientCredits):
        spend(user=alice, amount=30, scope="tests", key="spend:1")
