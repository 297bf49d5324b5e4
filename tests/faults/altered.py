"""The web application with one guard taken away, or its clock moved: COFFER_ALTERED says which.

Each case that tests a guard has a twin that runs this one, and must see the harm that the guard prevents.
"""

import os
import uuid
from typing import Any
from unittest import mock

from config.wsgi import application as application


def _a_key_a_call() -> None:
    from purchases import stripe_gateway

    real = stripe_gateway.create_session

    def keyless(params: dict[str, Any], *, key: str) -> Any:
        return real(params, key=str(uuid.uuid4()))

    stripe_gateway.create_session = keyless


def _a_key_a_refund() -> None:
    from purchases import stripe_gateway

    real = stripe_gateway.create_refund

    def keyless(payment_intent: str, **words: Any) -> Any:
        return real(payment_intent, **{**words, "ours": str(uuid.uuid4())})

    stripe_gateway.create_refund = keyless


def _no_health_checks() -> None:
    from django.conf import settings

    settings.DATABASES["default"]["CONN_HEALTH_CHECKS"] = False


def _djangos_cache() -> None:
    from django.conf import settings

    settings.CACHES["default"]["BACKEND"] = "django.core.cache.backends.redis.RedisCache"


def _no_patience() -> None:
    from purchases.stripe_gateway.client import _FewAtOnce

    _FewAtOnce._seconds = property(lambda wire: wire._longest)  # type: ignore[assignment,method-assign]


def _no_503() -> None:
    from config import views

    mock.patch.object(views, "passes_by_itself", return_value=False).start()


def _the_broker_first() -> None:
    from config.celery import app
    from purchases import polling
    from purchases.fulfilment import settle

    app.conf.broker_transport_options = {}

    def told(session_id: str, **words: Any) -> Any:
        app.send_task("purchases.tasks.sweep")
        return settle(session_id, **words)

    mock.patch.object(polling, "settle", told).start()


def _own_clock(seconds: str) -> None:
    from django.utils import timezone

    from checkout import locks

    locks.database_now = timezone.now
    _clock(seconds)


def _clock(seconds: str) -> None:
    import datetime

    import time_machine

    ahead = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=float(seconds))
    time_machine.travel(ahead, tick=True).start()


_ALTERATIONS = {
    "a key a call": _a_key_a_call,
    "a key a refund": _a_key_a_refund,
    "no health checks": _no_health_checks,
    "Django's own cache": _djangos_cache,
    "no patience": _no_patience,
    "no 503": _no_503,
    "the broker first": _the_broker_first,
}
_CLOCKS = {"clock": _clock, "own clock": _own_clock}
_asked = os.environ["COFFER_ALTERED"]
_clock_asked, _, _seconds = _asked.rpartition(" ")
if _clock_asked in _CLOCKS:
    _CLOCKS[_clock_asked](_seconds)
else:
    _ALTERATIONS[_asked]()
