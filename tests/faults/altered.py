"""The web application with one guard taken away, or its clock moved: COFFER_ALTERED says which.

Each case that tests a guard has a twin that runs this one, and must see the harm that the guard prevents.
"""

import os
import uuid
from typing import Any

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
}
_asked = os.environ["COFFER_ALTERED"]
if _asked.startswith("clock "):
    _clock(_asked.removeprefix("clock "))
else:
    _ALTERATIONS[_asked]()
