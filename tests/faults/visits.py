"""People who keep clicking while something breaks: every answer with its time, and what was acknowledged."""

import contextlib
import http.client
import random
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

from tests.buyer import Buyer, Page, session_id
from tests.faults.house import House

T = TypeVar("T")
LONGEST_SECONDS = 10


def in_background(call: Callable[..., Any], *args: Any, **words: Any) -> threading.Thread:
    """Call it on a thread; that its server is killed meanwhile is nothing to report."""

    def run() -> None:
        with contextlib.suppress(OSError, http.client.HTTPException, AssertionError):
            call(*args, **words)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


def stuck(house: House, call: Callable[..., Any], *args: Any) -> None:
    """Let somebody call, and again where the lock timeout was sooner than we, until PostgreSQL lets them wait."""
    callers = [in_background(call, *args)]

    def waits() -> int:
        if not callers[-1].is_alive():
            callers.append(in_background(call, *args))
        return house.postgres.waiting()

    house.wait_for(waits)


def at_once(*calls: Callable[[], T]) -> list[T]:
    """Let all of them begin at the same instant; what each returned, in their order."""
    barrier = threading.Barrier(len(calls))

    def run(call: Callable[[], T]) -> T:
        barrier.wait(timeout=60)
        return call()

    with ThreadPoolExecutor(max_workers=len(calls)) as pool:
        return list(pool.map(run, calls))


def timed(call: Callable[..., T], *args: Any, **words: Any) -> tuple[T, float]:
    """What it returned, and how many seconds it took."""
    began = time.monotonic()
    return call(*args, **words), time.monotonic() - began


@dataclass(frozen=True)
class Visit:
    """One answer."""

    url: str
    status: int
    seconds: float
    retry_after: str

    @property
    def is_clean(self) -> bool:
        """A page, a way on, or a 503 that says when to come again."""
        return self.status < 400 or (self.status == 503 and self.retry_after != "")


@dataclass
class Crowd:
    """Buyers on threads of their own. `credited`: the balance that somebody was shown, which must never be lost."""

    house: House
    base: str = ""
    visits: list[Visit] = field(default_factory=list)
    credited: list[tuple[Buyer, int]] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    @contextlib.contextmanager
    def buying(self, count: int = 4, *, seed: int = 1) -> Iterator["Crowd"]:
        """So many buy again and again until the block is left; then everybody has finished."""
        people = [self.buyer() for _ in range(count)]
        threads = [
            threading.Thread(target=self._buy, args=(person, random.Random(seed + number)))
            for number, person in enumerate(people)
        ]
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            self.over.set()
            for thread in threads:
                thread.join(timeout=180)

    def buyer(self) -> Buyer:
        """Somebody whose answers are written down."""
        known = self.house.buyer(self.base)
        watched = _Watched(known.base, self.visits)
        for cookie in known.cookies:
            watched.cookies.set_cookie(cookie)
        return watched

    def since(self, moment: int) -> list[Visit]:
        """The visits after the first `moment`."""
        return self.visits[moment:]

    def check(self) -> None:
        """Every answer was clean and quick, and nobody lost what they had been shown."""
        assert self.visits, "somebody came"
        unclean = [visit for visit in self.visits if not visit.is_clean]
        assert not unclean, f"{unclean}; the web server said: {self.house.errors('web')}"
        for person, balance in self.credited:
            assert person.get("/credits/").balance >= balance
        self.house.keeps(LONGEST_SECONDS, max(visit.seconds for visit in self.visits))

    def _buy(self, person: Buyer, chance: random.Random) -> None:
        balance = 0
        while not self.over.is_set():
            with contextlib.suppress(OSError, http.client.HTTPException, AssertionError):
                page = self._bought(person, chance.choice(("starter", "plus")))
                if page.state == "credited":
                    balance = page.balance
                    self.credited.append((person, balance))
            time.sleep(chance.uniform(0, 0.1))

    def _bought(self, person: Buyer, tier: str) -> Page:
        status, address = person.post_once(person.choose(tier))
        assert status == 303, "no payment page this time"
        if address.startswith(self.house.base):
            return person.get(address)
        return person.get(self.house.stripe.pay(session_id(address))["success_url"])


class _Watched(Buyer):
    def __init__(self, base: str, visits: list[Visit]) -> None:
        super().__init__(base)
        self._visits = visits

    def _open(self, opener: urllib.request.OpenerDirector, request: urllib.request.Request) -> Page:
        page, seconds = timed(super()._open, opener, request)
        visit = Visit(request.full_url, page.status, seconds, page.headers.get("Retry-After", ""))
        self._visits.append(visit)
        return page
