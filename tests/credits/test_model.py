"""grant and spend against a plain-Python ledger: whatever is done in whatever order, both say the same."""

import uuid
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import User
from credits.balances import balance_of, history_of
from credits.deposits import NewLot, grant
from credits.errors import InsufficientCredits, KeyReused
from credits.proof import prove
from credits.spending import spend

FAR = [None, timedelta(days=1), timedelta(days=9)]


@dataclass
class Pile:
    order: tuple[Any, ...]
    left: int


@dataclass
class Plain:
    """The rules, written the simplest way."""

    piles: list[Pile] = field(default_factory=list)
    answers: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    lifetime: int = 0
    spent: int = 0
    entries: int = 0

    @property
    def balance(self) -> int:
        return sum(pile.left for pile in self.piles)

    def do(self, key: str, request: Any, act: Any) -> Any:
        if key in self.answers:
            same, answer = self.answers[key]
            return answer if same == request else "key reused"
        answer = act()
        if answer != "insufficient":
            self.answers[key] = (request, answer)
        return answer

    def grant(self, key: str, lots: list[dict[str, Any]]) -> Any:
        def act() -> Any:
            for lot in lots:
                # The same length from a later grant is a later instant.
                soon = (
                    lot["expires_after"] or timedelta(days=999),
                    lot["expires_after"] and len(self.answers),
                )
                order = (lot["priority"], soon, lot["kind"] == "paid", len(self.piles))
                self.piles.append(Pile(order, lot["amount"]))
                self.lifetime += lot["amount"]
                self.entries += 1
            return self.balance

        return self.do(key, lots, act)

    def spend(self, key: str, amount: int) -> Any:
        def act() -> Any:
            if amount > self.balance:
                return "insufficient"
            left = amount
            for pile in sorted(self.piles, key=lambda pile: pile.order):
                part = min(left, pile.left)
                pile.left, left = pile.left - part, left - part
                self.entries += part > 0
            self.spent += amount
            return self.balance

        return self.do(key, amount, act)


keys = st.sampled_from([f"key {number}" for number in range(12)])
amounts = st.integers(1, 40) | st.sampled_from([1, 10**12])
lots = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(["paid", "bonus", "promo", "adjustment"]),
        "amount": amounts,
        "priority": st.integers(1, 3),
        "expires_after": st.sampled_from(FAR),
    }
)
steps = st.lists(
    st.tuples(st.just("grant"), keys, st.lists(lots, min_size=1, max_size=3))
    | st.tuples(st.just("spend"), keys, amounts),
    max_size=15,
)


def answered(verb: str, user: User, key: str, what: Any) -> Any:
    """What the ledger says, in the words of the plain one."""
    try:
        if verb == "spend":
            return spend(user=user, amount=what, scope="model", key=key).balance
        return grant(user=user, lots=[NewLot(**lot) for lot in what], scope="model", key=key).balance
    except InsufficientCredits:
        return "insufficient"
    except KeyReused:
        return "key reused"


@pytest.mark.django_db
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps=steps)
def test_the_ledger_says_what_a_plain_one_says(steps: list[tuple[str, str, Any]]) -> None:
    with transaction.atomic():
        user = User.objects.create_user(f"{uuid.uuid4()}@example.com")
        plain = Plain()
        for verb, key, what in steps:
            # The same key for a grant and a spend is another request too.
            said = plain.grant(key, what) if verb == "grant" else plain.spend(key, what)
            assert answered(verb, user, key, what) == said

        balance = balance_of(user)
        assert (balance.current, balance.lifetime, balance.spent) == (
            plain.balance,
            plain.lifetime,
            plain.spent,
        )
        assert balance.version == plain.entries == sum(1 for _ in history_of(user, limit=1000))
        assert prove(account=balance.account or uuid.uuid4()).problems == []
        transaction.set_rollback(True)
