"""Redis as a cache that may go away: an error is a miss, and a silent server is left alone for a while.

Nothing is kept here alone. What could not be written or deleted is deleted first when the server answers again, so
that no reader finds what was true before (a session that has ended, say).
"""

import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

import structlog
from django.core.cache.backends.redis import RedisCache
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

log = structlog.get_logger(__name__)

T = TypeVar("T")
TIMEOUT_SECONDS = 0.5
REST_SECONDS = 5


class SharedCache(RedisCache):
    """Django's Redis cache, forgiving. Every thread has an instance; how the server is doing, all know."""

    _lock = threading.Lock()
    _rests_until = 0.0
    _owed: set[str] = set()

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        limits = {
            "socket_timeout": TIMEOUT_SECONDS,
            "socket_connect_timeout": TIMEOUT_SECONDS,
            "retry": Retry(NoBackoff(), 0),
        }
        super().__init__(server, {**params, "OPTIONS": {**limits, **params.get("OPTIONS", {})}})

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        return self._tried(lambda: super(SharedCache, self).get(key, default, version), default)

    def has_key(self, key: str, version: int | None = None) -> bool:
        return self._tried(lambda: super(SharedCache, self).has_key(key, version), False)

    def set(self, key: str, *args: Any, **words: Any) -> None:
        self._written(key, lambda: super(SharedCache, self).set(key, *args, **words), None)

    def add(self, key: str, *args: Any, **words: Any) -> bool:
        return self._written(key, lambda: super(SharedCache, self).add(key, *args, **words), False)

    def delete(self, key: str, version: int | None = None) -> bool:
        return self._written(key, lambda: super(SharedCache, self).delete(key, version), False)

    def _tried(self, call: Callable[[], T], otherwise: T) -> T:
        if time.monotonic() < SharedCache._rests_until:
            return otherwise
        try:
            self._pay_what_is_owed()
            return call()
        except RedisError as error:
            SharedCache._rests_until = time.monotonic() + REST_SECONDS
            log.error("cache_away", error=type(error).__name__, rests_for=REST_SECONDS)
            return otherwise

    def _written(self, key: str, call: Callable[[], T], otherwise: T) -> T:
        written = self._tried(lambda: (call(),), None)
        if written is not None:
            return written[0]
        with self._lock:
            self._owed.add(key)
        return otherwise

    def _pay_what_is_owed(self) -> None:
        if not self._owed:
            return
        with self._lock:
            super().delete_many(list(self._owed))
            self._owed.clear()
