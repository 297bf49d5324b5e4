"""Redis and RabbitMQ, as in production. Where none answers the tests are skipped, except in CI, which brings them."""

import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from django.core.cache.backends.redis import RedisCache
from django.db import connection
from kombu import Connection, Queue

from accounts.models import User
from outbox import messages
from outbox.models import Message
from tests.environment import ROOT

REDIS, RABBITMQ = 6379, 5672
BROKERS = {
    "redis": (REDIS, "redis://127.0.0.1:6379/15"),
    "rabbitmq": (RABBITMQ, "amqp://guest:guest@127.0.0.1:5672//"),
}


def need(port: int) -> None:
    with socket.socket() as probe:
        is_there = probe.connect_ex(("127.0.0.1", port)) == 0
    if not is_there and not os.environ.get("CI"):
        pytest.skip(f"nothing answers on port {port}")
    assert is_there, f"CI needs a service on port {port}"


@pytest.fixture
def queue() -> str:
    """Nobody else's: another run of the tests may use the same broker."""
    return f"coffer-tests-{secrets.token_hex(4)}"


@pytest.fixture(params=list(BROKERS.values()), ids=list(BROKERS))
def broker(request: pytest.FixtureRequest, transactional_db: None, queue: str) -> Iterator[dict[str, str]]:
    """The environment of a worker that runs on a real broker and on this test's database; the worker itself."""
    port, url = request.param
    need(port)
    database = connection.settings_dict
    environment = {
        **os.environ,
        "CELERY_BROKER_URL": url,
        "DATABASE_URL": os.environ["DATABASE_URL"].replace("/coffer?", f"/{database['NAME']}?"),
        "EMAIL_URL": "dummymail://",
    }
    words = [
        sys.executable,
        "-m",
        "celery",
        "-A",
        "config",
        "worker",
        "--concurrency",
        "1",
        "--without-mingle",
        "--queues",
        queue,
    ]
    worker = subprocess.Popen(
        words, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )
    yield environment
    worker.terminate()
    worker.wait(timeout=120)
    with Connection(url) as opened:
        Queue(queue, channel=opened.default_channel).delete()


def test_a_worker_takes_its_tasks_from_a_real_broker(broker: dict[str, str], queue: str, alice: User) -> None:
    context = {"added": 1, "tier_name": "Plus", "reference": "X", "path": "/"}
    messages.post(topic="purchase.credited", key="broker", user_id=alice.pk, context=context)
    words = [
        sys.executable,
        "-m",
        "celery",
        "-A",
        "config",
        "call",
        "outbox.tasks.send_outbox",
        "--queue",
        queue,
    ]
    subprocess.run(words, cwd=ROOT, env=broker, check=True, capture_output=True)

    deadline = time.monotonic() + 180
    while Message.objects.get().state != "sent" and time.monotonic() < deadline:
        time.sleep(0.1)
    assert Message.objects.get().state == "sent"


def test_redis_holds_the_cache() -> None:
    need(REDIS)
    cache = RedisCache("redis://127.0.0.1:6379/15", {"KEY_PREFIX": "coffer-tests"})
    cache.set("greeting", "hello", 5)

    assert cache.get("greeting") == "hello"
    cache.delete("greeting")


def test_sessions_are_cached_where_the_cache_is_shared() -> None:
    script = "from django.conf import settings; print(settings.SESSION_ENGINE, settings.CACHES['default']['BACKEND'])"
    for url, engine in {"redis://127.0.0.1:6379/15": "cached_db", "locmemcache://": "backends.db"}.items():
        words = [sys.executable, "manage.py", "shell", "--verbosity", "0", "-c", script]
        said = subprocess.run(
            words, cwd=ROOT, env={**os.environ, "CACHE_URL": url}, check=True, capture_output=True, text=True
        ).stdout
        assert engine in said
