"""A webhook call as Stripe would make it, given to a WSGI handler in this process. Imports nothing of ours."""

import io
import json
import time
from collections.abc import Sequence
from typing import Any

import stripe


def call(path: str, event: dict[str, Any], *, secret: str) -> dict[str, Any]:
    """The environment of one signed call."""
    body = json.dumps(event)
    return {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_STRIPE_SIGNATURE": stripe.WebhookSignature.generate_signature_header(body, secret),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body.encode()),
        "wsgi.errors": io.StringIO(),
    }


def rate_and_cost(handler: Any, calls: Sequence[dict[str, Any]]) -> tuple[float, float]:
    """Calls a second by the clock, and seconds of this process's CPU for one."""
    clock, cpu = time.perf_counter(), time.process_time()
    for environ in calls:
        _answer(handler, environ)
    return len(calls) / (time.perf_counter() - clock), (time.process_time() - cpu) / len(calls)


def _answer(handler: Any, environ: dict[str, Any]) -> None:
    statuses: list[str] = []
    answer = handler(environ, lambda status, _headers: statuses.append(status))
    b"".join(answer)
    answer.close()
    assert statuses[0].startswith("200"), statuses[0]
