"""The people of these tests, quick ways to give and take, and the roads of an attacker."""

import os
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.db import connection

from accounts.models import User
from credits.balances import balance_of
from credits.book import Posting
from credits.deposits import NewLot, grant
from credits.proof import prove
from credits.spending import spend
from tests.credits.clock import Clock, standing_clock

Give = Callable[..., Posting]
Take = Callable[..., Posting]

# How many steps generated tests take: a few hundred, or what LEDGER_STEPS asks for.
STEPS = int(os.environ.get("LEDGER_STEPS", "300"))


@pytest.fixture
def alice(db: None) -> User:
    return User.objects.create_user("alice@example.com")


@pytest.fixture
def bob(db: None) -> User:
    return User.objects.create_user("bob@example.com")


@pytest.fixture
def give(alice: User) -> Give:
    """`give(50)`: promotional credits for Alice under a key of their own; `give(50, kind="paid", priority=1)`."""

    def give(amount: int, *, user: User = alice, kind: Any = "promo", key: str = "", **terms: Any) -> Posting:
        give.count += 1  # type: ignore[attr-defined]
        lot = NewLot(kind=kind, amount=amount, **terms)
        return grant(user=user, lots=[lot], scope="tests", key=key or f"give:{give.count}")  # type: ignore[attr-defined]

    give.count = 0  # type: ignore[attr-defined]
    return give


@pytest.fixture
def take(alice: User) -> Take:
    """`take(20, "job:1")`: Alice spends."""

    def take(amount: int, key: str, *, user: User = alice, **more: Any) -> Posting:
        return spend(user=user, amount=amount, scope="tests", key=key, **more)

    return take


def _connect(role: dict[str, Any]) -> psycopg.Connection:
    words = {"user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}
    given = {word: role.get(name) for word, name in words.items() if role.get(name)}
    options = {"host": role["OPTIONS"]["host"]} if "host" in role["OPTIONS"] else {}
    name = connection.settings_dict["NAME"]
    return psycopg.connect(**{**given, **options}, dbname=name, autocommit=True)


@pytest.fixture
def owner() -> Iterator[psycopg.Connection]:
    """Plain SQL as the role that owns the tables."""
    with _connect(settings.MIGRATE_DATABASE) as connected:
        yield connected


@pytest.fixture
def clock(db: None, owner: psycopg.Connection) -> Iterator[Clock]:
    """The ledger's clock stands still but for `clock.pass_(hours=1)`: nothing expires before a test has come to it."""
    with standing_clock(owner) as clock:
        yield clock


@pytest.fixture
def runtime() -> Iterator[psycopg.Connection]:
    """Plain SQL as the role that the application has."""
    with _connect(connection.settings_dict) as connected:
        yield connected


@pytest.fixture
def untouched(alice: User, bob: User, give: Give, take: Take) -> Iterator[None]:
    """Alice has 43 left of 50 in one lot, Bob has 7; and so it is still when the test ends."""
    give(50)
    take(7, "job:1")
    give(7, user=bob)
    yield
    assert (balance_of(alice).current, balance_of(bob).current) == (43, 7)
    report = prove()
    assert (report.entries, report.problems) == (3, [])
