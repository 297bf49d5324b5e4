"""Stripe's client with our limits, and its errors turned into ours. For the modules beside it only."""

import math
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from typing import Any

import stripe
import urllib3
from django.conf import settings

from purchases.errors import (
    KeyNotAllowed,
    StripeRefused,
    StripeUnavailable,
    UnknownAtStripe,
    UnreadableAnswer,
)
from purchases.storable import cleaned
from purchases.stripe_gateway import deadline
from purchases.stripe_gateway.places import NoPlace, Places

# Answers that say nothing about the request itself: no key was used up, the same call may succeed later.
PASSING_STATUSES = (401, 409, 429)
FORBIDDEN = 403
NOT_IMPLEMENTED = 501
LONGEST_WORD = 60
_COMPRESSED = urllib3.make_headers(accept_encoding=True)

_places = Places(settings.STRIPE_CONCURRENT_CALLS)
_over_at: ContextVar[float] = ContextVar("stripe_over_at", default=math.inf)


def client(*, is_hurried: bool = False) -> stripe.StripeClient:
    """Two tries of half the time each, so that a whole call stays within STRIPE_TIMEOUT_SECONDS and a second."""
    seconds = settings.STRIPE_TIMEOUT_SECONDS / 2
    timeout, retries = (min(2.5, seconds), 0) if is_hurried else (seconds, 1)
    return _client_for(settings.STRIPE_SECRET_KEY, settings.STRIPE_API_BASE, timeout, retries)


@contextmanager
def patience() -> Iterator[None]:
    """For somebody who waits: all calls of the block together get STRIPE_TIMEOUT_SECONDS, then StripeUnavailable.

    A decorator as well.
    """
    over_at = time.monotonic() + settings.STRIPE_TIMEOUT_SECONDS
    token = _over_at.set(min(over_at, _over_at.get()))
    try:
        yield
    finally:
        _over_at.reset(token)


@contextmanager
def stripe_errors(*, is_replayed: bool = False) -> Iterator[None]:
    """Turn Stripe's errors into ours. `is_replayed`: under an idempotency key Stripe replays even its 500s."""
    try:
        yield
    except stripe.StripeError as error:
        status = error.http_status
        if isinstance(error, stripe.APIConnectionError) or status is None or status < 400:
            # No answer, or something that is not Stripe's: half an answer, a proxy's page.
            raise StripeUnavailable(type(error).__name__) from error
        if status == FORBIDDEN:
            raise KeyNotAllowed(f"{type(error).__name__} {status}") from error
        if status in PASSING_STATUSES or (status >= 500 and status != NOT_IMPLEMENTED and not is_replayed):
            raise StripeUnavailable(f"{type(error).__name__} {status}") from error
        kind = UnknownAtStripe if status == 404 else StripeRefused
        raise kind(status=status, code=_word(error.code), request_id=_word(error.request_id)) from error
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        # JSON of the wrong shape with status 200.
        raise UnreadableAnswer(type(error).__name__) from error


def is_live() -> bool:
    """Whether our key moves real money."""
    return str(settings.STRIPE_SECRET_KEY).startswith(("sk_live_", "rk_live_"))


def _word(said: Any) -> str | None:
    return cleaned(said)[:LONGEST_WORD] if isinstance(said, str) else None


@lru_cache(maxsize=4)
def _client_for(key: str, base: str, timeout: float, retries: int) -> stripe.StripeClient:
    return stripe.StripeClient(
        key,
        base_addresses={"api": base},
        max_network_retries=retries,
        http_client=_FewAtOnce(base=base, timeout=timeout),
    )


class _FewAtOnce(stripe.HTTPClient):
    """Over urllib3, held to STRIPE_CONCURRENT_CALLS and patience(): what is too much ends as if unanswered."""

    name = "urllib3"

    def __init__(self, *, base: str, timeout: float) -> None:
        super().__init__()
        self._connections = deadline.connections(base, count=settings.STRIPE_CONCURRENT_CALLS)
        self._longest = timeout

    def request(  # type: ignore[override]  # the answer's bytes; theirs says text and takes both
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None, **_words: Any
    ) -> tuple[bytes, int, Mapping[str, str]]:
        try:
            with _places.taken():
                answer = self._answer(method, url, {**(headers or {}), **_COMPRESSED}, post_data)
        except NoPlace as error:
            raise _no_answer("Stripe is slow, and enough calls wait for it already") from error
        except urllib3.exceptions.SSLError as error:
            raise _no_answer("not Stripe's certificate") from error
        except urllib3.exceptions.HTTPError as error:
            raise _no_answer(type(error).__name__, should_retry=True) from error
        if answer.get_redirect_location():
            raise _no_answer("Stripe does not redirect")
        return answer.data, answer.status, answer.headers

    def close(self) -> None:
        self._connections.clear()

    def _answer(
        self, method: str, url: str, headers: Mapping[str, str], post_data: Any
    ) -> urllib3.BaseHTTPResponse:
        if self._seconds <= 0:
            raise _no_answer("Stripe was slow, and the time for all calls is over")
        # Connecting and the answer together get the time that is left.
        timeout = urllib3.Timeout(total=max(self._seconds, 0.001))
        return self._connections.request(
            method.upper(),
            url,
            body=post_data,
            headers=headers,
            timeout=timeout,
            retries=False,
            redirect=False,
        )

    @property
    def _seconds(self) -> float:
        """Read anew for each try."""
        return min(self._longest, _over_at.get() - time.monotonic())


def _no_answer(why: str, *, should_retry: bool = False) -> stripe.APIConnectionError:
    return stripe.APIConnectionError(why, should_retry=should_retry)  # type: ignore[no-untyped-call]
