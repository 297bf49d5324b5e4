"""The shared cache while its server is away, and after. The same with whole pages: tests/faults/test_services.py."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from config import shared_cache
from config.shared_cache import SharedCache
from tests.faults import redis
from tests.faults.redis import Redis


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Redis]:
    if not redis.is_there() and not os.environ.get("CI"):
        pytest.skip("no redis-server on this machine")
    monkeypatch.setattr(shared_cache, "REST_SECONDS", 0)
    started = Redis(tmp_path)
    yield started
    started.thaw()
    started.kill()


@pytest.fixture
def cache(server: Redis) -> Iterator[SharedCache]:
    opened = SharedCache(server.url, {})
    yield opened
    for pool in opened._cache._pools.values():  # type: ignore[attr-defined]
        pool.disconnect()


def test_it_keeps_what_it_is_given(cache: SharedCache) -> None:
    cache.set("greeting", "hello", 60)

    assert (cache.get("greeting"), "greeting" in cache, cache.delete("greeting")) == ("hello", True, True)
    assert cache.add("greeting", "hello") is True


def test_away_is_a_miss(cache: SharedCache, server: Redis) -> None:
    cache.set("greeting", "hello", 60)
    server.kill()

    assert (cache.get("greeting", "none"), "greeting" in cache, cache.add("other", 1)) == (
        "none",
        False,
        False,
    )


@pytest.mark.parametrize("verb", ["delete", "set"])
def test_what_could_not_be_written_is_not_read_afterwards(
    cache: SharedCache, server: Redis, verb: str
) -> None:
    cache.set("session", "signed in", 60)
    server.freeze()
    if verb == "delete":
        cache.delete("session")
    else:
        cache.set("session", "signed out", 60)
    server.thaw()

    assert cache.get("session") is None


def test_a_silent_server_is_left_alone_for_a_while(
    cache: SharedCache, server: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.set("greeting", "hello", 60)
    monkeypatch.setattr(shared_cache, "REST_SECONDS", 60)
    server.freeze()
    cache.get("greeting")
    server.thaw()

    assert cache.get("greeting") is None
    monkeypatch.setattr(SharedCache, "_rests_until", 0.0)
    assert cache.get("greeting") == "hello"
