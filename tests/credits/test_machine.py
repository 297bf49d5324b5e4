"""All verbs in any order, done to the ledger and to the plain one: both answer the same and stand the same, lot by lot.

A few hundred steps, each a verb; LEDGER_STEPS asks for more.
"""

import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck
from hypothesis import settings as searching
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from accounts.models import User
from credits.adjusting import adjust
from credits.balances import PastBalance, balance_at, balance_of
from credits.book import Posting
from credits.deposits import NewLot, claw_back, grant
from credits.errors import CreditsError
from credits.gifts import give_each
from credits.proof import prove
from credits.spending import capture, hold, hold_purchase, release, reverse, spend
from credits.statements import statement_of
from credits.sweeping import sweep_credits
from credits.transfers import transfer
from tests.credits.clock import Clock, standing_clock
from tests.credits.conftest import STEPS
from tests.credits.plain import Plain
from tests.credits.plain_rows import Account, Lot

STEPS_EACH = 50

people = st.integers(0, 2)
numbers = st.integers(0, 30)
amounts = st.integers(1, 60)
lengths = st.sampled_from([None, timedelta(hours=1), timedelta(hours=3)])
lots = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(["paid", "bonus", "promo", "adjustment"]),
        "amount": amounts,
        "priority": st.sampled_from([1, 100]),
        "expires_after": lengths,
        "price_minor": st.none() | st.integers(0, 999),
    }
)


class LedgerMachine(RuleBasedStateMachine):
    """Three people, a clock that stands still between steps, and two ledgers."""

    steps = 0
    is_debt_allowed = False

    def __init__(self) -> None:
        super().__init__()
        self.undo = transaction.atomic()
        self.undo.__enter__()
        self.clock, self.plain = Clock(), Plain(is_debt_allowed=self.is_debt_allowed)
        self.plain.now = self.clock.now
        self.people = [User.objects.create_user(f"{uuid.uuid4()}@example.com") for _ in range(3)]
        self.holds: list[uuid.UUID] = []
        self.spends: list[uuid.UUID] = []
        self.sources: list[str] = []
        self.lots: list[uuid.UUID] = []  # in the order they were made, as in the plain ledger
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.past: list[tuple[Any, list[PastBalance]]] = []

    @initialize(bonus=lengths, paid=lengths)
    def begin(self, bonus: timedelta | None, paid: timedelta | None) -> None:
        """Everybody has bought something, so that there is something to spend, take back and owe."""
        for person in range(3):
            bought = {"kind": "paid", "amount": 60, "price_minor": 1000, "expires_after": paid}
            self.grant(person, [bought, {"kind": "bonus", "amount": 20, "expires_after": bonus}], True)

    @rule(person=people, terms=st.lists(lots, min_size=1, max_size=3), is_purchase=st.booleans())
    def grant(self, person: int, terms: list[dict[str, Any]], is_purchase: bool) -> None:
        source = f"cs_{len(self.asked)}" if is_purchase else ""
        self.ask("grant", person=person, lots=terms, source=source)

    @rule(person=people, amount=amounts)
    def spend(self, person: int, amount: int) -> None:
        self.ask("spend", person=person, amount=amount)

    @rule(person=people, left=st.integers(0, 9))
    def spend_nearly_all(self, person: int, left: int) -> None:
        self.ask("spend", person=person, amount=max(self.stands(person).available - left, 1))

    @rule(person=people, amount=amounts, length=lengths)
    def hold(self, person: int, amount: int, length: timedelta | None) -> None:
        self.ask("hold", person=person, amount=amount, length=length)

    @rule(number=numbers)
    def hold_purchase(self, number: int) -> None:
        if self.sources:
            self.ask("hold_purchase", source=self.sources[number % len(self.sources)])

    @rule(given=st.lists(people, max_size=3), amount=amounts)
    def give_each(self, given: list[int], amount: int) -> None:
        self.ask("give_each", people=sorted(set(given)), amount=amount)

    @rule(number=numbers, amount=st.none() | amounts)
    def capture(self, number: int, amount: int | None) -> None:
        if self.holds:
            self.ask("capture", number=number % len(self.holds), amount=amount)

    @rule(number=numbers)
    def release(self, number: int) -> None:
        if self.holds:
            self.ask("release", number=number % len(self.holds))

    @rule(number=numbers, amount=st.none() | amounts)
    def reverse(self, number: int, amount: int | None) -> None:
        if self.spends:
            self.ask("reverse", number=number % len(self.spends), amount=amount)

    @rule(person=people, amount=amounts, is_taken=st.booleans())
    def adjust(self, person: int, amount: int, is_taken: bool) -> None:
        self.ask("adjust", person=person, amount=-amount if is_taken else amount)

    @rule(number=numbers, returned=st.sampled_from([-10, 0, 333, 500, 1000, 1100]))
    def claw_back(self, number: int, returned: int) -> None:
        if self.sources:
            self.ask(
                "claw_back", source=self.sources[number % len(self.sources)], returned=returned, paid=1000
            )

    @rule(person=people)
    def owe(self, person: int) -> None:
        """Spend all, and be refunded what was bought first."""
        self.ask("spend", person=person, amount=max(self.stands(person).available, 1))
        self.ask("claw_back", source=self.sources[person], returned=1000, paid=1000)

    @rule(giver=people, taker=people)
    def transfer(self, giver: int, taker: int) -> None:
        if len(self.asked) > 6:  # merged accounts do nothing, so not at once
            self.ask("transfer", source=giver, target=taker)

    @rule()
    def sweep(self) -> None:
        swept = sweep_credits()
        assert (swept.lots_expired, swept.holds_released) == self.plain.sweep()
        self.compare()

    @rule(hours=st.sampled_from([0.5, 1, 2]))
    def time_passes(self, hours: float) -> None:
        self.past.append((self.clock.now, [self.stands(number) for number in range(3)]))
        self.plain.now = self.clock.pass_(hours=hours)

    @rule(number=numbers)
    def ask_again(self, number: int) -> None:
        """The same request under the same key, whatever has happened since."""
        if self.asked:
            self.do(*self.asked[number % len(self.asked)])

    @rule(number=numbers, amount=amounts)
    def ask_something_else(self, number: int, amount: int) -> None:
        """Another request under the same key."""
        if self.asked and "amount" in (arguments := self.asked[number % len(self.asked)][1]):
            self.do(self.asked[number % len(self.asked)][0], {**arguments, "amount": amount})

    @rule(number=numbers, person=people)
    def credit_a_payment_twice(self, number: int, person: int) -> None:
        if self.sources:
            terms = [{"kind": "paid", "amount": 5}]
            self.ask("grant", person=person, lots=terms, source=self.sources[number % len(self.sources)])

    def ask(self, verb: str, **arguments: Any) -> None:
        request = (verb, {**arguments, "key": f"{verb}:{len(self.asked)}"})
        self.asked.append(request)
        self.do(*request)

    def do(self, verb: str, arguments: dict[str, Any]) -> None:
        LedgerMachine.steps += 1
        real: Callable[..., Any] = getattr(self, f"real_{verb}")
        said = self.answered(lambda: self.in_words(real(**arguments)))
        if verb == "claw_back":
            arguments = {name: value for name, value in arguments.items() if name != "key"}
        opened = dict(self.plain.accounts)
        expected = self.answered(lambda: getattr(self.plain, verb)(**arguments))
        if isinstance(expected, str):
            self.plain.accounts = opened
        assert said == self.numbered(expected), (verb, arguments)
        self.compare()

    def answered(self, act: Callable[[], Any]) -> Any:
        """What was answered, or the name of the refusal with its numbers."""
        try:
            return act()
        except CreditsError as refusal:
            amounts = [value for value in vars(refusal).values() if isinstance(value, int)]
            return f"{type(refusal).__name__} {amounts}"

    # The ledger's verbs, asked in the plain one's words.

    def real_grant(self, person: int, lots: list[dict[str, Any]], source: str, key: str) -> Posting:
        posting = grant(
            user=self.people[person],
            lots=[NewLot(**{**terms, "currency": "USD"}) for terms in lots],
            kind="purchase" if source else "grant",
            source=source,
            purchase_ref=source,
            scope="model",
            key=key,
        )
        if source and not posting.replayed:
            self.sources.append(source)
        return posting

    def real_spend(self, person: int, **request: Any) -> Posting:
        return self.noted_spend(spend(user=self.people[person], scope="model", **request))

    def real_hold(self, person: int, length: timedelta | None, **request: Any) -> Posting:
        posting = self.noted_hold(hold(user=self.people[person], expires_in=length, scope="model", **request))
        assert posting is not None
        return posting

    def real_hold_purchase(self, **request: Any) -> Posting | None:
        return self.noted_hold(hold_purchase(scope="model", **request))

    def real_give_each(self, people: list[int], **request: Any) -> tuple[int, int]:
        given = give_each(
            users=[self.people[person] for person in people], kind="promo", scope="model", **request
        )
        return given.given, given.given_before

    def real_capture(self, number: int, **request: Any) -> Posting:
        return self.noted_spend(capture(hold=self.holds[number], scope="model", **request))

    def real_release(self, number: int, key: str) -> Posting:
        return release(hold=self.holds[number], scope="model", key=key)

    def real_reverse(self, number: int, **request: Any) -> Posting:
        return reverse(spend=self.spends[number], scope="model", **request)

    def real_adjust(self, person: int, **request: Any) -> Posting:
        return adjust(user=self.people[person], scope="model", reason="reason", actor="actor", **request)

    def real_claw_back(self, source: str, returned: int, paid: int, key: str) -> Posting | None:
        return claw_back(source=source, returned_minor=returned, paid_minor=paid, scope="model", key=key)

    def real_transfer(self, source: int, target: int, key: str) -> Posting | None:
        return transfer(source=self.people[source], target=self.people[target], scope="model", key=key)

    def noted_hold(self, posting: Posting | None) -> Posting | None:
        if posting is not None and posting.hold is not None and not posting.replayed:
            self.holds.append(posting.hold)
        return posting

    def noted_spend(self, posting: Posting) -> Posting:
        if not posting.replayed:
            self.spends.append(posting.id)
        return posting

    # What both must agree on.

    def in_words(self, posting: Any) -> Any:
        if not isinstance(posting, Posting):
            return posting
        self.name_lots()
        return {
            "available": posting.available, "balance": posting.balance, "lifetime": posting.lifetime,
            "spent": posting.spent, "version": posting.version, "added": posting.added, "clawed": posting.clawed,
            "taken": [(self.lots.index(lot), amount) for lot, amount in posting.taken],
            "given_back": [(self.lots.index(lot), amount) for lot, amount in posting.given_back],
        }  # fmt: skip

    def name_lots(self) -> None:
        self.lots = [lot for (lot,) in self.rows("select uuid from credits_lot order by id")]

    def numbered(self, answer: Any) -> Any:
        if not isinstance(answer, dict):
            return answer
        parts = {name: [(lot.number, part) for lot, part in answer[name]] for name in ("taken", "given_back")}
        return {**answer, **parts}

    def compare(self) -> None:
        """Every account, lot and hold stands as the plain ledger says; no free paid credits wait beside a debt."""
        found = self.rows(
            "select user_id, posted, held, debt, lifetime, spent, seq, version, merged_into_id is not null"
            " from credits_account order by user_id"
        )
        assert found == [
            (self.people[person].pk, one.posted, one.held, one.debt, one.lifetime, one.spent, len(one.entries),
             one.version, one.merged_into is not None)
            for person, one in sorted(self.plain.accounts.items())
        ]  # fmt: skip
        assert self.rows(
            "select kind, priority, granted, remaining, held, expires_at, price_minor, purchase_ref, is_open,"
            " (select count(*) from credits_lot as older where older.id < lot.origin_id)"
            " from credits_lot as lot order by id"
        ) == [
            (lot.kind, lot.priority, lot.granted, lot.remaining, lot.held, lot.expires_at, lot.price_minor,
             lot.purchase_ref, lot.remaining > 0, lot.origin.number if lot.origin else 0)
            for lot in self.plain.lots
        ]  # fmt: skip
        assert self.rows("select amount, expires_at, is_open from credits_hold order by id") == [
            (hold.amount, hold.expires_at, hold.is_open) for hold in self.plain.holds
        ]
        assert self.rows(
            "select lot.id from credits_lot as lot join credits_account as account on account.id = lot.account_id"
            " where debt > 0 and kind = 'paid' and remaining > lot.held and coalesce(expires_at > %s, true)",
            self.clock.now,
        ) == []  # fmt: skip
        for person, user in enumerate(self.people):
            balance, past = balance_of(user), self.stands(person)
            assert (balance.current, balance.available, balance.held, balance.debt) == (
                past.current, past.available, past.held, past.debt
            )  # fmt: skip
            assert balance.next_expiry == min(self.expiries(person), default=None)

    def expiries(self, person: int) -> Iterator[Any]:
        for lot in self.plain.accounts.get(person, Account()).lots:
            if lot.free and lot.expires_at is not None and not lot.has_expired(self.clock.now):
                yield lot.expires_at

    def stands(self, person: int) -> PastBalance:
        account = self.plain.accounts.get(person, Account())
        available = self.plain.available(account)
        return PastBalance(
            seq=len(account.entries), posted=account.posted, current=available + account.held,
            available=available, held=account.held, debt=account.debt,
        )  # fmt: skip

    def teardown(self) -> None:
        """All entries are the plain ledger's, every past instant is told as it was, and the books are proved."""
        try:
            self.name_lots()
            for person, user in enumerate(self.people):
                account = self.plain.accounts.get(person, Account())
                lines = statement_of(user).lines(limit=10_000)
                assert [
                    (line.kind, line.amount, line.debt_change, line.lot and self.lots.index(line.lot))
                    for line in reversed(lines)
                ] == [(one.kind, one.amount, one.debt_change, number_of(one.lot)) for one in account.entries]
            for instant, stood in self.past:
                assert [balance_at(user, instant) for user in self.people] == stood
            assert prove().problems == []
        finally:
            transaction.set_rollback(True)
            self.undo.__exit__(None, None, None)

    def rows(self, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
        with connection.cursor() as cursor:
            cursor.execute(query, parameters)
            return list(cursor.fetchall())


def number_of(lot: Lot | None) -> int | None:
    return None if lot is None else lot.number


class MachineInDebt(LedgerMachine):
    """The same where people may spend while they owe."""

    is_debt_allowed = True


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("machine", [LedgerMachine, MachineInDebt])
def test_the_ledger_says_what_a_plain_one_says(
    owner: psycopg.Connection, settings: Any, machine: type[LedgerMachine]
) -> None:
    settings.CREDITS_SPENDING_IN_DEBT = machine.is_debt_allowed
    LedgerMachine.steps = 0
    with standing_clock(owner):
        while LedgerMachine.steps < STEPS:
            run_state_machine_as_test(
                machine,
                settings=searching(
                    max_examples=max(STEPS // STEPS_EACH, 1),
                    stateful_step_count=STEPS_EACH,
                    deadline=None,
                    suppress_health_check=list(HealthCheck),
                ),
            )
