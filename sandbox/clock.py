"""Stripe's clock: the machine's, moved ahead by as much as a test wants."""

import time

from sandbox.store import Store


class Clock:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._ahead: float = store.setting("clock_ahead_seconds", 0.0)

    @property
    def ahead_seconds(self) -> float:
        return self._ahead

    def exact(self) -> float:
        return time.time() + self._ahead

    def now(self) -> int:
        return int(self.exact())

    def advance(self, seconds: float) -> None:
        self._set(self._ahead + seconds)

    def reset(self) -> None:
        self._set(0.0)

    def _set(self, ahead: float) -> None:
        self._ahead = ahead
        self._store.set("clock_ahead_seconds", ahead)
