"""Each verb writes one line: account, transaction, scope, key, before and after."""

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from accounts.models import User
from credits.adjusting import adjust
from credits.balances import balance_of
from credits.book import Posting
from credits.deposits import NewLot, claw_back, grant
from credits.errors import InsufficientCredits
from credits.spending import capture, hold, hold_purchase, release, reverse, spend
from credits.sweeping import sweep_credits
from credits.transfers import transfer
from tests.credits.clock import Clock
from tests.credits.conftest import Give

Act = Callable[[User, User], Posting | None]


def held(user: User) -> uuid.UUID:
    posting = hold(user=user, amount=9, scope="tests", key="before")
    assert posting.hold is not None
    return posting.hold


def bought(user: User) -> str:
    lots = [NewLot(kind="paid", amount=10), NewLot(kind="bonus", amount=2)]
    grant(user=user, lots=lots, kind="purchase", scope="tests", key="before", source="cs_1")
    return "cs_1"


WORDS: dict[str, Any] = {"scope": "tests", "key": "this:1"}


def grant_five(user: User, _: Any) -> Posting:
    return grant(user=user, lots=[NewLot(kind="promo", amount=5)], **WORDS)


# Of 50: what each verb is called with, after something that made it possible, and how the balance changes.
VERBS: dict[str, tuple[Callable[[User], Any], Callable[..., Posting | None], int, int]] = {
    "grant": (lambda user: None, grant_five, 50, 55),
    "spend": (lambda user: None, lambda user, _: spend(user=user, amount=5, **WORDS), 50, 45),
    "hold": (lambda user: None, lambda user, _: hold(user=user, amount=5, **WORDS), 50, 50),
    "capture": (held, lambda user, held: capture(hold=held, amount=4, **WORDS), 50, 46),
    "release": (held, lambda user, held: release(hold=held, **WORDS), 50, 50),
    "reverse": (
        lambda user: spend(user=user, amount=9, scope="tests", key="before").id,
        lambda user, spent: reverse(spend=spent, **WORDS),
        41,
        50,
    ),
    "claw_back": (
        bought,
        lambda user, source: claw_back(source=source, returned_minor=1, paid_minor=1, **WORDS),
        62,
        50,
    ),
    "hold_purchase": (bought, lambda user, source: hold_purchase(source=source, **WORDS), 62, 62),
    "adjust": (
        lambda user: None,
        lambda user, _: adjust(user=user, amount=-7, reason="Counted twice", actor="operator", **WORDS),
        50,
        43,
    ),
    "transfer": (
        lambda user: User.objects.create_user("other@example.com"),
        lambda user, other: transfer(source=user, target=other, **WORDS),
        0,
        50,
    ),
}


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_writes_one_line(alice: User, give: Give, verb: str) -> None:
    prepare, act, before, after = VERBS[verb]
    give(50)
    prepared = prepare(alice)

    with capture_logs() as logs:
        posting = act(alice, prepared)

    assert posting is not None
    assert logs == [
        {
            "event": f"credits_{verb}",
            "log_level": "info",
            "account": str(posting.account),
            "transaction": str(posting.id),
            **WORDS,
            "before": before,
            "after": after,
            "replayed": False,
        }
    ]


def test_a_replay_says_so(alice: User) -> None:
    first = grant_five(alice, None)

    with capture_logs() as logs:
        grant_five(alice, None)

    assert [(line["transaction"], line["replayed"]) for line in logs] == [(str(first.id), True)]


def test_a_refusal_writes_no_line(alice: User, give: Give) -> None:
    give(4)

    with capture_logs() as logs, pytest.raises(InsufficientCredits):
        spend(user=alice, amount=5, **WORDS)

    assert logs == []


def test_the_sweep_writes_a_line_for_each_account_and_hold(
    alice: User, bob: User, clock: Clock, give: Give
) -> None:
    give(50, expires_after=timedelta(minutes=5))
    give(7)
    give(3, user=bob, expires_after=timedelta(minutes=5))
    expiring = hold(user=alice, amount=6, scope="tests", key="x", expires_in=timedelta(minutes=5)).hold
    clock.pass_(hours=1)

    with capture_logs() as logs:
        sweep_credits()

    released, *expired, summary = logs
    assert (released["event"], released["key"]) == ("credits_release", f"expire:{expiring}")
    assert [
        (line["event"], line["account"], line["scope"], line["before"], line["after"]) for line in expired
    ] == [
        ("credits_expire", str(balance_of(user).account), "credits", left, left)
        for user, left in ((alice, 7), (bob, 0))
    ]
    assert all(line["key"].startswith("expire:") and line["transaction"] in line["key"] for line in expired)
    assert (summary["event"], summary["lots_expired"], summary["holds_released"]) == ("credits_swept", 2, 1)
