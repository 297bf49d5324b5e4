"""A purchase's whole life in any order of events, with any repeats: the end is always what Stripe says at the end."""

import itertools
import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from accounts.models import User
from checkout import sessions
from checkout.models import Tier
from credits.balances import balance_of
from credits.models import LedgerTransaction
from credits.proof import prove
from outbox.models import Message
from purchases import opening
from purchases.models import Dispute, Purchase, Refund
from tests.purchases.conftest import deliver
from tests.purchases.returning import events
from tests.sandbox_process import SandboxProcess

WAYS = ("card", "debit", "expire")
MONEY = ("refund", "refund", "fail", "dispute", "inquiry", "escalate", "win", "lose", "warn")
ACTS = (*MONEY, "come", "bounce", "tell", "tell")
# Every turn that a purchase's life can take, whatever the search finds.
WHOLE_LIVES = (
    [("refund", 300), ("refund", 500), ("fail", 1), ("tell", 1), ("dispute", 900), ("win", 1), ("tell", 1)],
    [("tell", 1), ("inquiry", 1), ("escalate", 1), ("warn", 1), ("refund", 100), ("win", 1), ("dispute", 7)],
    [("warn", 1), ("refund", 900), ("refund", 900), ("dispute", 900), ("lose", 1), ("fail", 1), ("tell", 1)],
)
DELAYED = ([("tell", 1), ("come", 1), *WHOLE_LIVES[0]], [("come", 1), ("warn", 1)], [("tell", 1)])
BOUNCED = ([("tell", 1), ("bounce", 1), ("tell", 1), ("come", 1)], [("bounce", 1)])
LIFE = st.lists(st.tuples(st.sampled_from(ACTS), st.integers(1, 900)), max_size=9)
number = itertools.count()


class Life:
    """One purchase at Stripe, and what happens to it there."""

    def __init__(self, stripe: SandboxProcess, plus: Tier, way: str) -> None:
        self.stripe = stripe
        stripe.reset()
        stripe.control("delivery_mode", mode="off")
        name = f"buyer{next(number)}@example.com"
        self.user = User.objects.create_user(name, "a-password")
        session = sessions.start(owner=self.user, tier=plus)
        self.purchase = opening.open_payment(owner=self.user, session=session).purchase
        self.session = self.purchase.stripe_session_id or ""
        ways: dict[str, Callable[[], Any]] = {
            "card": lambda: stripe.pay(self.session),
            "debit": lambda: stripe.pay(self.session, method="bank_debit"),
            "expire": lambda: stripe.control(f"sessions/{self.session}/expire"),
        }
        ways[way]()
        self.refunds: list[str] = []
        self.disputes: list[str] = []

    def act(self, act: str, amount: int, chance: random.Random) -> None:
        """Do it where Stripe lets it be done."""
        if act == "tell":
            self.tell(chance.choice(events(self.stripe)))
            return
        calls: dict[str, Callable[[], Any]] = {
            "refund": lambda: self.refunds.append(self._made("refund", amount=amount)),
            "fail": lambda: self.stripe.control(f"refunds/{chance.choice(self.refunds)}/fail"),
            "dispute": lambda: self.disputes.append(self._made("dispute", amount=amount)),
            "inquiry": lambda: self.disputes.append(self._made("dispute", inquiry=True)),
            "escalate": lambda: self.stripe.control(f"disputes/{chance.choice(self.disputes)}/escalate"),
            "win": lambda: self._close(chance, "won"),
            "lose": lambda: self._close(chance, "lost"),
            "warn": lambda: self._made("fraud_warning"),
            "come": lambda: self.stripe.control(f"sessions/{self.session}/settle", succeed=True),
            "bounce": lambda: self.stripe.control(f"sessions/{self.session}/settle", succeed=False),
        }
        try:
            calls[act]()
        except (AssertionError, IndexError):
            return  # there is nothing to fail, to close or to settle, or Stripe refuses

    def tell(self, event: dict[str, Any]) -> None:
        """Deliver an event under an id of its own, so that it is handled again."""
        assert deliver({**event, "id": f"evt_{next(number)}"}).status_code == 200

    def status(self) -> str:
        """How the purchase must stand, from what Stripe says now."""
        session = self.stripe.control(f"objects/{self.session}", set={})
        if session["status"] == "expired":
            return "expired"
        if session["payment_status"] == "paid":
            return "credited"
        intent = self.stripe.control(f"objects/{session['payment_intent']}", set={})
        return "failed" if intent["status"] == "requires_payment_method" else "processing"

    def expected(self) -> tuple[int, int]:
        """Credits taken by the formula, from what Stripe says now."""
        refunds = [self.stripe.control(f"objects/{made}", set={}) for made in self.refunds]
        disputes = [self.stripe.control(f"objects/{made}", set={}) for made in self.disputes]
        refunded = sum(made["amount"] for made in refunds if made["status"] in ("pending", "succeeded"))
        disputed = sum(-sum(move["amount"] for move in made["balance_transactions"]) for made in disputes)
        returned = min(1800, refunded + disputed)
        return 200 * returned // 1800, 20 * returned // 1800

    def _made(self, what: str, **words: Any) -> str:
        return str(self.stripe.control(f"sessions/{self.session}/{what}", **words)["id"])

    def _close(self, chance: random.Random, outcome: str) -> None:
        self.stripe.control(f"disputes/{chance.choice(self.disputes)}/close", outcome=outcome)


def whole_lives(test: Callable[..., None]) -> Callable[..., None]:
    """Every one of them, whatever the search finds."""
    lives = [("card", life) for life in WHOLE_LIVES] + [("debit", life) for life in (*DELAYED, *BOUNCED)]
    for seed, (way, life) in enumerate([*lives, ("expire", [("tell", 1)])]):
        test = example(way=way, life=life, seed=seed)(test)
    return test


@pytest.mark.slow
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@whole_lives
@given(way=st.sampled_from(WAYS), life=LIFE, seed=st.integers(0, 2**32))
def test_any_order_and_any_repeats_end_the_same(
    stripe: SandboxProcess, plus: Tier, way: str, life: list[tuple[str, int]], seed: int
) -> None:
    chance = random.Random(seed)
    one = Life(stripe, plus, way)
    for act, amount in life:
        one.act(act, amount, chance)
    told = events(stripe)
    told += chance.choices(told, k=len(told) // 2)
    chance.shuffle(told)
    for event in told:
        one.tell(event)

    status, taken = one.status(), sum(one.expected())
    purchase = Purchase.objects.get(pk=one.purchase.pk)
    assert (purchase.status, purchase.credits_taken) == (status, taken)
    balance = balance_of(one.user)
    is_credited = status == "credited"
    assert balance.current - balance.debt == 220 * is_credited - taken
    assert LedgerTransaction.objects.filter(kind="purchase", source=one.session).count() == is_credited
    assert {row.stripe_id for row in Refund.objects.filter(purchase=purchase)} == set(one.refunds)
    assert {row.stripe_id for row in Dispute.objects.filter(purchase=purchase)} == set(one.disputes)
    assert told_of(one.user, "refunded") <= len(one.refunds)
    assert told_of(one.user, "credited") == is_credited
    assert told_of(one.user, "failed") == (status == "failed")
    assert prove().problems == []


def told_of(user: User, what: str) -> int:
    """How many letters say so."""
    return Message.objects.filter(topic=f"purchase.{what}", user=user).count()
