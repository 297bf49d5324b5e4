"""What a page costs the web process: `python -m bench.pages`. Its CPU, against an empty view in the same run.

As bench.api measures calls: all of Django in this process, CPU time, kinds in short turns, the median of the rounds.
"""

import argparse
import statistics
import sys
import time
from typing import Any

from bench.api import silent
from bench.fresh_database import fresh_database

# A signed-in page with its balance; a statement of 25 entries. The others are for the eye.
MOST = {"balance": 8.0, "statement": 14.0}
PATHS = {
    "empty": "/empty/",
    "balance": "/accounts/password-change/done/",
    "prices": "/pricing/",
    "statement": "/credits/",
}
ENTRIES = 30


def main() -> None:
    """Print one line; exit 1 where a page costs more than it may."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=30)
    arguments.add_argument("--calls", type=int, default=25, help="of each page in a round")
    given = arguments.parse_args()
    with fresh_database("coffer_bench_pages"):
        costs = measured(rounds=given.rounds, calls=given.calls)
    empty = costs.pop("empty")
    ratios = {name: cost / empty for name, cost in costs.items()}
    said = ", ".join(f"{name} {ratio:.1f} times{_limit(name)}" for name, ratio in ratios.items())
    print(f"CPU of the web process against an empty view ({empty * 1000:.2f} ms): {said}")
    sys.exit(any(ratios[name] > most for name, most in MOST.items()))


def measured(*, rounds: int, calls: int) -> dict[str, float]:
    """Seconds of CPU for one page of each kind: the median of the rounds."""
    from django.test import Client
    from django.test.utils import override_settings

    # As in production: sessions through the cache.
    sessions = "django.contrib.sessions.backends.cached_db"
    with (
        silent(),
        override_settings(
            ROOT_URLCONF="bench.api_urls", ALLOWED_HOSTS=["testserver"], SESSION_ENGINE=sessions
        ),
    ):
        cookies = _signed_in(Client())
        costs: dict[str, list[float]] = {name: [] for name in PATHS}
        for turn in range(rounds + 1):
            for name, path in PATHS.items():
                cost = _run(path, cookies, calls=calls)
                if turn:  # the first warms up
                    costs[name].append(cost)
    return {name: statistics.median(seen) for name, seen in costs.items()}


def _limit(name: str) -> str:
    return f" (at most {MOST[name]:g})" if name in MOST else ""


def _signed_in(client: Any) -> str:
    """The Cookie header of somebody with credits and a history."""
    from accounts.models import User
    from accounts.passwords import PASSWORD_BACKEND
    from checkout.models import Tier
    from credits.gifts import give
    from credits.spending import spend

    for number in (1, 2, 3):
        Tier.objects.create(
            slug=f"tier{number}",
            name=f"Tier {number}",
            credits=100 * number,
            price_minor=900 * number,
            currency="USD",
        )
    user = User.objects.create_user("bench@example.com")
    give(user=user, amount=10**9, kind="promo", scope="bench", key="first")
    for number in range(ENTRIES):
        spend(user=user, amount=3, scope="bench", key=f"job:{number}", description=f"Job {number}")
    client.force_login(user, backend=PASSWORD_BACKEND)
    client.get(PATHS["prices"])  # a browser has the cookie against forged forms since its first page
    return "; ".join(f"{morsel.key}={morsel.value}" for morsel in client.cookies.values())


def _run(path: str, cookies: str, *, calls: int) -> float:
    from django.core.handlers.wsgi import WSGIHandler
    from django.test import RequestFactory

    handler: Any = WSGIHandler()
    requests = RequestFactory()
    environs = [requests.get(path, headers={"cookie": cookies}).environ for _ in range(calls)]
    statuses: set[str] = set()
    begin = time.process_time()
    for environ in environs:
        answer = handler(environ, lambda status, _headers: statuses.add(status[:3]))
        b"".join(answer)
        answer.close()
    cost = (time.process_time() - begin) / calls
    assert statuses == {"200"}, statuses
    return cost


if __name__ == "__main__":
    main()
