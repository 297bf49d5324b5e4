"""How many calls to Stripe one process makes at once: a silent Stripe must not take every thread of a web server."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

# A call under way for longer says that Stripe is slow: whoever comes then is told so instead of waiting in line.
SLOW_SECONDS = 1.5


class NoPlace(Exception):
    """Every place is taken by a call that has been waiting for long."""


class Places:
    """`count` calls at a time. While Stripe is quick the next one waits its turn; while it is slow it is refused."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._turn = threading.Condition()
        self._began: list[float] = []

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Take a place for the length of the block. Raises NoPlace."""
        began = self._take()
        try:
            yield
        finally:
            with self._turn:
                self._began.remove(began)
                self._turn.notify()

    def _take(self) -> float:
        with self._turn:
            while len(self._began) >= self._count:
                patience = min(self._began) + SLOW_SECONDS - time.monotonic()
                if patience <= 0:
                    raise NoPlace
                self._turn.wait(timeout=patience)
            began = time.monotonic()
            self._began.append(began)
            return began
