"""How many calls a minute: counted in the shared cache, by client, person or address."""

import time
from typing import Any

import structlog
from axes.helpers import get_client_ip_address
from django.conf import settings
from django.core.cache import cache
from redis.exceptions import RedisError
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from rest.callers import Caller

log = structlog.get_logger(__name__)

WINDOW_SECONDS = 60


class PerMinute(BaseThrottle):
    """A count per caller and minute."""

    def allow_request(self, request: Request, view: Any) -> bool:
        who, kind = self._caller(request)
        most: int = settings.API_CALLS_PER_MINUTE[kind]
        count = _counted(f"api:{who}:{int(time.time() // WINDOW_SECONDS)}")
        if count == most + 1:
            log.warning("api_throttled", kind=kind)
        return count <= most

    def wait(self) -> float:
        """Seconds until the next minute begins."""
        return WINDOW_SECONDS - time.time() % WINDOW_SECONDS + 1

    def _caller(self, request: Request) -> tuple[str, str]:
        if isinstance(request.auth, Caller):
            return request.auth.scope, "key"
        if request.user.is_authenticated:
            return f"user:{request.user.pk}", "buyer"
        return f"address:{get_client_ip_address(request)}", "visitor"


def _counted(name: str) -> int:
    """Add one and return the sum; 0 while the cache is away: slowing people down is not worth an outage."""
    try:
        try:
            return cache.incr(name)
        except ValueError:  # the first of this minute
            cache.add(name, 0, timeout=2 * WINDOW_SECONDS)
            return cache.incr(name)
    except (RedisError, OSError, ValueError):
        return 0
