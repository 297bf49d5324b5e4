"""Many ledger operations at once, drawn at random under a seed, and then the question whether anything is wrong.

`python -m bench.soak --operations 1000000 --seed 1`: threads with a connection each use every verb on a few hundred
accounts, hot ones among them, and repeat one request in ten. A refusal is an answer; any other error is a violation,
and so is whatever verify_ledger or the questions of BROKEN find in the books afterwards.
"""

import argparse
import logging
import random
import sys
import threading
import time
import uuid
from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from bench.fresh_database import fresh_database

CONNECTIONS = 16
ACCOUNTS = 300
PROGRESS_SECONDS = 5
TOLD = 100_000  # answers that are looked up at the end, the newest of each thread's share


def main() -> None:
    """Print the progress and the end; exit 1 at any violation."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--operations", type=int, default=1_000_000)
    arguments.add_argument("--connections", type=int, default=CONNECTIONS)
    arguments.add_argument("--accounts", type=int, default=ACCOUNTS)
    arguments.add_argument("--seed", type=int, default=1)
    given = arguments.parse_args()
    with fresh_database("coffer_soak"):
        logging.disable(logging.INFO)  # a line for each operation
        soak = Soak(given.seed, given.operations, given.accounts)
        soak.run(given.connections)
        violations = soak.violations + soak.look_back()
    for violation in violations[:20]:
        print(violation)
    print(f"seed {given.seed}: {soak.done:,} operations, {len(violations)} violations")
    sys.exit(bool(violations))


@dataclass
class Soak:
    """What all threads share."""

    seed: int
    operations: int
    accounts: int
    done: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)
    told: dict[uuid.UUID, int] = field(default_factory=dict)  # version that each operation answered

    def run(self, connections: int) -> None:
        """Let all threads work, and say how far they are."""
        from accounts.models import User

        people = [User(email=f"soak{number}@example.com") for number in range(self.accounts)]
        self.people = User.objects.bulk_create(people)
        self.holds: deque[uuid.UUID] = deque(maxlen=500)
        self.spends: deque[uuid.UUID] = deque(maxlen=500)
        self.sources: deque[str] = deque(maxlen=500)
        finished = threading.Event()
        reporter = threading.Thread(target=self._report, args=(finished,))
        reporter.start()
        share = self.operations // connections
        with ThreadPoolExecutor(connections) as pool:
            workers = [Worker(self, number, share) for number in range(connections)]
            for _ in pool.map(Worker.work, workers):
                pass
        finished.set()
        reporter.join()

    def _report(self, finished: threading.Event) -> None:
        start = time.monotonic()
        while not finished.wait(PROGRESS_SECONDS):
            self._say(start)
        self._say(start)
        print(", ".join(f"{name} {count:,}" for name, count in sorted(self.outcomes.items())))

    def _say(self, start: float) -> None:
        rate = self.done / (time.monotonic() - start)
        print(
            f"{self.done:,} of {self.operations:,}, {rate:,.0f} a second, {len(self.violations)} violations",
            flush=True,
        )

    def look_back(self) -> list[str]:
        """Return what is wrong with the books, and with what they say of the answers."""
        from django.db import connection

        from credits.proof import prove

        found = [f"{one.account}: {one.where}: {one.what}" for one in prove().problems]
        with connection.cursor() as cursor:
            cursor.execute("set statement_timeout = 0")
            for what, query in BROKEN.items():
                cursor.execute(query)
                found += [f"{what}: {row}" for row in cursor.fetchall()]
            cursor.execute("select uuid from credits_transaction where uuid = any(%s)", [list(self.told)])
            known = {row[0] for row in cursor.fetchall()}
        return found + [f"answered, but not in the books: {one}" for one in self.told if one not in known]


# Each answers no row, whatever was done in whatever order.
BROKEN = {
    "below zero": "select id from credits_account where least(posted, held, debt, posted - held, spent) < 0",
    "debt left on a merged account": "select id from credits_account where debt > 0 and merged_into_id is not null",
    "transfers that do not meet": """
        select sum(amount), sum(debt_change) from credits_entry where kind = 'transfer'
        having sum(amount) <> 0 or sum(debt_change) <> 0""",
    "a spend reversed beyond itself": """
        select spent.id from credits_transaction as spent
        join credits_transaction as back on back.reverses_id = spent.id
        group by spent.id, spent.amount having sum(back.amount) > spent.amount""",
    "a purchase credited twice": """
        select source from credits_transaction where kind = 'purchase' group by source having count(*) > 1""",
    "more taken back than was granted": """
        select lot.id from credits_lot as lot join credits_transaction as back on back.about_lot_id = lot.id
        group by lot.id, lot.granted having sum(back.amount) not between 0 and lot.granted""",
    "a key used twice": """
        select account_id, scope, key from credits_transaction group by 1, 2, 3 having count(*) > 1""",
    "more captured than held": """
        select hold.id from credits_hold as hold join credits_hold_resolution as ended on ended.hold_id = hold.id
        where ended.captured > hold.amount""",
    "money that lots gained on the way": """
        select origin.id from credits_lot as lot join credits_lot as origin on origin.id = lot.origin_id
        where lot.price_minor > origin.price_minor""",
}


class Worker:
    """One thread: its own seed, its own connection."""

    def __init__(self, soak: Soak, number: int, share: int) -> None:
        self.soak, self.number, self.share = soak, number, share
        self.random = random.Random(f"{soak.seed}:{number}")
        self.key = ""

    def work(self) -> None:
        """Do one's share."""
        from django.db import connection

        last: Callable[[], Any] | None = None
        try:
            with (
                connection.cursor() as cursor
            ):  # the queue for the hottest account may be long on a busy machine
                cursor.execute("set lock_timeout = '60s'; set statement_timeout = '120s'")
            for count in range(self.share):
                is_again = last is not None and self.random.random() < 0.1
                if not is_again:
                    self.key = f"{self.number}:{count}"
                    last = self.draw()
                assert last is not None
                self.do(last)
        finally:
            connection.close()

    def do(self, act: Callable[[], Any]) -> None:
        from credits.errors import CreditsError

        try:
            posting = act()
        except CreditsError as refusal:
            self.soak.outcomes[type(refusal).__name__] += 1
        except Exception as error:
            self.soak.violations.append(f"{type(error).__name__}: {error}")
        else:
            self.soak.outcomes["replayed" if getattr(posting, "replayed", False) else "done"] += 1
            if posting is not None and len(self.soak.told) < TOLD:
                self.check(posting)
        self.soak.done += 1

    def check(self, posting: Any) -> None:
        if min(posting.balance, posting.available, posting.spent) < 0:
            self.soak.violations.append(f"negative answer: {posting}")
        known = self.soak.told.setdefault(posting.id, posting.version)
        if known != posting.version:
            self.soak.violations.append(f"a replay answered otherwise: {posting}")

    def draw(self) -> Callable[[], Any]:
        """Choose a verb and its request; the same call made again is the same request."""
        verbs = [
            "buy",
            "gift",
            "spend",
            "hold",
            "capture",
            "release",
            "reverse",
            "refund",
            "adjust",
            "transfer",
            "sweep",
        ]
        (verb,) = self.random.choices(verbs, [8, 6, 40, 10, 6, 5, 8, 6, 4, 0.05, 0.02])
        act: Callable[[], Any] = getattr(self, verb)()
        return act

    def person(self) -> Any:
        """One in four is the hottest."""
        people = self.soak.people
        return people[0] if self.random.random() < 0.25 else self.random.choice(people)

    def words(self) -> dict[str, Any]:
        return {"scope": "soak", "key": self.key}

    def buy(self) -> Callable[[], Any]:
        from credits.deposits import NewLot, grant

        person, words, source = self.person(), self.words(), f"cs_{self.key}"
        length = timedelta(seconds=self.random.choice([1, 60])) if self.random.random() < 0.3 else None
        paid = NewLot(kind="paid", amount=200, price_minor=1800, currency="USD", expires_after=length)
        bonus = NewLot(kind="bonus", amount=20, expires_after=length)
        self.soak.sources.append(source)
        return lambda: grant(user=person, lots=[paid, bonus], kind="purchase", source=source, **words)

    def gift(self) -> Callable[[], Any]:
        from credits.deposits import NewLot, grant

        length = timedelta(milliseconds=self.random.choice([5, 500, 60_000]))
        person, words = self.person(), self.words()
        lot = NewLot(
            kind="promo",
            amount=self.random.randint(1, 50),
            expires_after=length,
            priority=self.random.choice([1, 100]),
        )
        return lambda: grant(user=person, lots=[lot], **words)

    def spend(self) -> Callable[[], Any]:
        from credits.spending import spend

        person, amount, words = self.person(), self.random.randint(1, 30), self.words()
        return lambda: self.noted(spend(user=person, amount=amount, **words), self.soak.spends)

    def hold(self) -> Callable[[], Any]:
        from credits.spending import hold

        person, amount, words = self.person(), self.random.randint(1, 30), self.words()
        length = timedelta(milliseconds=self.random.choice([10, 1000, 60_000]))

        def act() -> Any:
            posting = hold(user=person, amount=amount, expires_in=length, **words)
            if not posting.replayed and posting.hold is not None:
                self.soak.holds.append(posting.hold)
            return posting

        return act

    def capture(self) -> Callable[[], Any]:
        from credits.spending import capture

        held, words = self.one_of(self.soak.holds), self.words()
        amount = self.random.choice([None, 1, 10])
        return lambda: held and self.noted(capture(hold=held, amount=amount, **words), self.soak.spends)

    def release(self) -> Callable[[], Any]:
        from credits.spending import release

        held, words = self.one_of(self.soak.holds), self.words()
        return lambda: held and release(hold=held, **words)

    def reverse(self) -> Callable[[], Any]:
        from credits.spending import reverse

        spent, amount, words = self.one_of(self.soak.spends), self.random.choice([None, 1, 5]), self.words()
        return lambda: spent and reverse(spend=spent, amount=amount, **words)

    def refund(self) -> Callable[[], Any]:
        from credits.deposits import claw_back

        source, words = self.one_of(self.soak.sources), self.words()
        returned = self.random.choice([0, 0, 450, 900, 1800])
        return lambda: source and claw_back(source=source, returned_minor=returned, paid_minor=1800, **words)

    def adjust(self) -> Callable[[], Any]:
        from credits.adjusting import adjust

        person, amount, words = self.person(), self.random.choice([-10, -1, 1, 10]), self.words()
        return lambda: adjust(user=person, amount=amount, reason="soak", actor="soak", **words)

    def transfer(self) -> Callable[[], Any]:
        """Into somebody else, and a new person in the giver's place: guests come and are claimed."""
        from accounts.models import User
        from credits.transfers import transfer

        number, words = self.random.randrange(1, len(self.soak.people)), self.words()
        giver, taker = self.soak.people[number], self.person()
        self.soak.people[number] = User.objects.create(email=f"soak{self.key}@example.com")
        return lambda: transfer(source=giver, target=taker, **words)

    def sweep(self) -> Callable[[], Any]:
        from credits.sweeping import sweep_credits

        return lambda: sweep_credits() and None

    def noted(self, posting: Any, kept: deque[uuid.UUID]) -> Any:
        if not posting.replayed:
            kept.append(posting.id)
        return posting

    def one_of(self, kept: Any) -> Any:
        try:
            return self.random.choice(kept) if kept else None
        except IndexError:  # another thread took from it
            return None


if __name__ == "__main__":
    main()
