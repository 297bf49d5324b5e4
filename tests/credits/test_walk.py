"""All verbs in any order on three accounts: whatever happens, the books are proved and the numbers can be spent."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import User
from credits.adjusting import adjust
from credits.balances import balance_of
from credits.book import Posting
from credits.deposits import NewLot, claw_back, grant
from credits.errors import AccountMerged, CreditsError, InsufficientCredits
from credits.proof import prove
from credits.spending import capture, hold, release, reverse, spend
from credits.transfers import transfer

VERBS = ["buy", "gift", "spend", "hold", "capture", "release", "reverse", "refund", "adjust", "transfer"]
steps = st.lists(
    st.tuples(st.sampled_from(VERBS), st.integers(0, 2), st.integers(1, 60), st.booleans()), max_size=25
)


class Walk:
    """Three people, and what they did so far."""

    def __init__(self) -> None:
        self.people = [User.objects.create_user(f"{uuid.uuid4()}@example.com") for _ in range(3)]
        self.holds: list[uuid.UUID] = []
        self.spends: list[uuid.UUID] = []
        self.sources: list[str] = []
        self.count = 0

    def step(self, verb: str, who: int, amount: int, is_other: bool) -> None:
        """Do it twice under one key: the second time must answer the same and move nothing."""
        self.count += 1
        act: Callable[..., Posting | None] = getattr(self, verb)
        words: dict[str, Any] = {"scope": "walk", "key": f"{verb}:{self.count}"}
        try:
            first = act(self.people[who], amount, is_other, **words)
        except CreditsError:
            return
        again = act(self.people[who], amount, is_other, **words)
        if verb != "refund" and first is not None and again is not None:
            assert (again.id, again.replayed) == (first.id, True)

    def buy(self, user: User, amount: int, is_other: bool, **words: Any) -> Posting:
        source = f"cs_{user.pk}_{words['key']}"
        lots = [NewLot(kind="paid", amount=amount, price_minor=900, currency="USD")]
        lots += [NewLot(kind="bonus", amount=amount)] if is_other else []
        posting = grant(user=user, lots=lots, kind="purchase", source=source, **words)
        self.sources.append(source)
        return posting

    def gift(self, user: User, amount: int, is_other: bool, **words: Any) -> Posting:
        return grant(user=user, lots=[NewLot(kind="promo", amount=amount, priority=int(is_other))], **words)

    def spend(self, user: User, amount: int, is_other: bool, **words: Any) -> Posting:
        posting = spend(user=user, amount=amount, **words)
        self.spends.append(posting.id)
        return posting

    def hold(self, user: User, amount: int, is_other: bool, **words: Any) -> Posting:
        posting = hold(user=user, amount=amount, **words)
        assert posting.hold is not None
        self.holds.append(posting.hold)
        return posting

    def capture(self, user: User, amount: int, is_other: bool, **words: Any) -> Posting | None:
        if not self.holds:
            return None
        posting = capture(hold=self.holds[0], amount=None if is_other else amount, **words)
        self.spends.append(posting.id)
        return posting

    def release(self, user: User, amount: int, is_other: bool, **words: Any) -> Posting | None:
        return release(hold=self.holds[-1], **words) if self.holds else None

    def reverse(self, user: User, amount: int, is_other: bool, **words: Any) -> Posting | None:
        return (
            reverse(spend=self.spends[0], amount=None if is_other else amount, **words)
            if self.spends
            else None
        )

    def refund(self, user: User, amount: int, is_other: bool, **words: Any) -> Posting | None:
        if not self.sources:
            return None
        source = self.sources[-1 if is_other else 0]
        return claw_back(source=source, returned_minor=amount * 15, paid_minor=900, **words)

    def adjust(self, user: User, amount: int, is_other: bool, **words: Any) -> Posting:
        return adjust(user=user, amount=-amount if is_other else amount, reason="x", actor="y", **words)

    def transfer(self, user: User, amount: int, is_other: bool, **words: Any) -> Posting | None:
        return transfer(source=user, target=self.people[amount % 3], **words) if is_other else None


def spend_all(user: User) -> Any:
    """What is shown can be spent to the last credit, and not one more."""
    balance = balance_of(user)
    with pytest.raises((InsufficientCredits, AccountMerged)):
        spend(user=user, amount=balance.available + 1, scope="end", key="too much")
    if balance.available:
        assert spend(user=user, amount=balance.available, scope="end", key="all").available == 0


@pytest.mark.django_db
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps=steps)
def test_whatever_is_done_the_books_are_proved(steps: list[tuple[str, int, int, bool]]) -> None:
    with transaction.atomic():
        walk = Walk()
        for verb, who, amount, is_other in steps:
            walk.step(verb, who, amount, is_other)
            for person in walk.people:
                balance = balance_of(person)
                assert balance.current == balance.available + balance.held
                assert min(balance.available, balance.held, balance.debt, balance.spent) >= 0
        assert prove().problems == []
        for person in walk.people:
            spend_all(person)
        assert prove().problems == []
        transaction.set_rollback(True)
