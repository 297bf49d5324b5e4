"""What a call of the API costs the web process: `python -m bench.api`. Its CPU, against an empty view in the same run.

The whole of Django runs in this process, our middleware and log lines included, for the empty view too; PostgreSQL does
not. CPU is counted, not the clock; kinds take turns, the median of the rounds counts. Beside it stands what the empty
view takes where Django's own middleware alone surrounds it.
"""

import argparse
import io
import json
import os
import statistics
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.http import HttpRequest, HttpResponse

from bench.fresh_database import fresh_database

Call = Callable[[], dict[str, Any]]
MOST = {"spend": 6.5, "balance by key": 7.0}
EMPTY, BARE = "empty", "empty, Django's middleware"
# As `startproject` writes it.
DJANGOS_MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]


def main() -> None:
    """Print one line; exit 1 where a call costs more than it may."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=7)
    arguments.add_argument("--calls", type=int, default=300, help="of each kind in a round")
    given = arguments.parse_args()
    with fresh_database("coffer_bench_api"):
        costs = measured(rounds=given.rounds, calls=given.calls)
    ratios = {name: costs[name] / costs[EMPTY] for name in MOST}
    said = ", ".join(
        f"{name} {ratio:.1f} times ({costs[name] * 1000:.2f} ms; at most {MOST[name]:g} times)"
        for name, ratio in ratios.items()
    )
    print(
        f"CPU of the web process against an empty view ({costs[EMPTY] * 1000:.2f} ms): {said}; "
        f"an empty view within Django's middleware alone: {costs[BARE] * 1000:.2f} ms"
    )
    sys.exit(any(ratio > MOST[name] for name, ratio in ratios.items()))


def measured(*, rounds: int, calls: int) -> dict[str, float]:
    """Seconds of CPU for one call of each kind: the median of the rounds."""
    from django.core.handlers.wsgi import WSGIHandler
    from django.test.utils import override_settings

    with silent(), override_settings(ROOT_URLCONF="bench.api_urls"):
        kinds, ours = _kinds(), WSGIHandler()
        with override_settings(MIDDLEWARE=DJANGOS_MIDDLEWARE):
            djangos = WSGIHandler()
        costs: dict[str, list[float]] = {name: [] for name in kinds}
        for number in range(rounds + 1):
            for name, environ in kinds.items():
                cost = _run(djangos if name == BARE else ours, environ, calls=calls if number else 50)
                costs[name] += [cost] if number else []  # the first round warms up
    return {name: statistics.median(seen) for name, seen in costs.items()}


@contextmanager
def silent() -> Iterator[None]:
    """Let log lines be written, to nowhere."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def empty(_request: HttpRequest) -> HttpResponse:
    """What a view costs that does nothing."""
    return HttpResponse()


def _kinds() -> dict[str, Call]:
    from accounts import api_keys
    from accounts.models import User
    from credits.accounts import account_of
    from credits.gifts import give

    user = User.objects.create_user("bench@example.com")
    give(user=user, amount=10**9, kind="promo", scope="bench", key="first")
    key = {"HTTP_AUTHORIZATION": f"Api-Key {api_keys.create(name='Bench', scopes=['read', 'spend']).key}"}
    account = f"/api/v1/accounts/{account_of(user)}"

    def spend() -> dict[str, Any]:
        wish = {**key, "HTTP_IDEMPOTENCY_KEY": uuid.uuid4().hex}
        return _environ("POST", f"{account}/spend/", {"amount": 1, "description": "Job"}, **wish)

    return {
        EMPTY: lambda: _environ("GET", "/empty/"),
        BARE: lambda: _environ("GET", "/empty/"),
        "spend": spend,
        "balance by key": lambda: _environ("GET", f"{account}/balance/", **key),
    }


def _environ(method: str, path: str, body: object = None, **headers: str) -> dict[str, Any]:
    content = b"" if body is None else json.dumps(body).encode()
    return {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_TYPE": "application/json" if content else "",
        "CONTENT_LENGTH": str(len(content)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(content),
        "wsgi.errors": sys.stderr,
        **headers,
    }


def _run(handler: Any, make: Call, *, calls: int) -> float:
    environs = [make() for _ in range(calls)]
    statuses: list[str] = []
    begin = time.process_time()
    for environ in environs:
        answer = handler(environ, lambda status, headers: statuses.append(status))
        b"".join(answer)
        answer.close()
    cost = (time.process_time() - begin) / calls
    assert {status[0] for status in statuses} == {"2"}, set(statuses)
    return cost


if __name__ == "__main__":
    main()
