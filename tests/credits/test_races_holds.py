"""Capture, release and expiry of one hold at once: it ends once. And the twin without the guard, which goes wrong."""

import time
import uuid
from datetime import timedelta

import psycopg
import pytest
from django.db import DatabaseError

from accounts.models import User
from credits.balances import balance_of
from credits.book import Posting
from credits.errors import HoldEnded
from credits.models import HoldResolution
from credits.proof import prove
from credits.spending import capture, hold, release
from credits.sweeping import Swept, sweep_credits
from tests.credits.conftest import Give
from tests.credits.racing import Outcome, race, without_account_lock

pytestmark = pytest.mark.django_db(transaction=True)


def put_aside(alice: User, give: Give, *, expires_in: timedelta) -> uuid.UUID:
    give(50)
    posting = hold(user=alice, amount=30, scope="tests", key="job:1", expires_in=expires_in)
    assert posting.hold is not None
    return posting.hold


def end_it(held: uuid.UUID, *, sweeps: bool) -> list[Outcome]:
    """Twenty capture, release and (`sweeps`) sweep, spread over the hold's last moments."""

    def end(number: int) -> object:
        if sweeps:
            time.sleep(number / 100)
            if number % 3 == 2:
                return sweep_credits()
        if number % 2:
            return capture(hold=held, amount=10, scope="tests", key=f"end:{number}")
        return release(hold=held, scope="tests", key=f"end:{number}")

    return race(end, count=20)


def ends(outcomes: list[Outcome]) -> int:
    released = [outcome.holds_released for outcome in outcomes if isinstance(outcome, Swept)]
    return sum(released) + sum(isinstance(outcome, Posting) for outcome in outcomes)


@pytest.mark.parametrize("lasts", [0.02, 0.1, 600])
def test_capture_release_and_expiry_at_once_end_it_once(alice: User, give: Give, lasts: float) -> None:
    held = put_aside(alice, give, expires_in=timedelta(seconds=lasts))

    outcomes = end_it(held, sweeps=True)

    assert {type(outcome) for outcome in outcomes} <= {Posting, HoldEnded, Swept}
    assert ends(outcomes) == HoldResolution.objects.count() == 1
    captured = 10 if HoldResolution.objects.get().outcome == "captured" else 0
    assert (balance_of(alice).current, balance_of(alice).held) == (50 - captured, 0)
    assert prove().problems == []


def test_without_the_lock_it_ends_with_errors(alice: User, give: Give, owner: psycopg.Connection) -> None:
    held = put_aside(alice, give, expires_in=timedelta(seconds=600))

    with (
        without_account_lock(owner, "credits_lock_hold"),
        without_account_lock(owner, "credits_capture", "credits_release"),
    ):
        outcomes = end_it(held, sweeps=False)

    # The second end is still refused, by the resolution's primary key, but as an error that nobody expects.
    assert any(isinstance(outcome, DatabaseError) for outcome in outcomes)
    assert ends(outcomes) == HoldResolution.objects.count() == 1
    assert prove().problems == []
