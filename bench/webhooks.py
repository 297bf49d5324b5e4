"""How many paid webhooks a second one process verifies, stores and settles: `python -m bench.webhooks`.

Each event is of a payment of its own, whose session is asked for at the sandbox (a process beside this one, without
delay). CPU of the process alone is what a web worker brings, and what the ratios are of; the clock also counts what
else the machine does. Beside us dj-stripe, in two ways (djstripe_worker.py). All take turns, the median counts.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import stripe

from bench import beside
from bench.api import silent
from bench.fresh_database import PROJECT, fresh_database
from bench.webhook_calls import call, rate_and_cost
from tests.sandbox_process import SandboxProcess

WORKER = PROJECT / "bench" / "djstripe_worker.py"
WANTED = ("dj-stripe>=2.11,<3", "psycopg[binary]>=3.2,<4")
COMPLETED = "checkout.session.completed"
WARM = 20
WAYS = {
    "handlers": "dj-stripe's own handler, then a receiver that credits",
    "callback": "dj-stripe without it (DJSTRIPE_WEBHOOK_EVENT_CALLBACK: no Event, no Session kept)",
}
MOST_SHARE = 0.5  # of the CPU that dj-stripe takes for its whole job

Taken = tuple[float, float]  # events a second, seconds of CPU for one
Events = list[dict[str, Any]]
Taker = tuple[list[Events], Callable[[Events], Taken]]  # what comes in each round, and who takes it


def main() -> None:
    """Print one line; exit 1 where we take more than half of dj-stripe's CPU."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--events", type=int, default=60, help="in a round")
    arguments.add_argument("--rounds", type=int, default=7)
    arguments.add_argument("--alone", action="store_true", help="leave dj-stripe out")
    given = arguments.parse_args()
    sizes = [WARM, *[given.events] * given.rounds]
    missing = ""
    with fresh_database("coffer_bench_webhooks") as superuser:
        try:
            seen = measured(superuser, sizes=sizes, ways=() if given.alone else WAYS)
        except subprocess.CalledProcessError as error:
            missing = f"; dj-stripe is left out: {beside.last_words(error)}"
            seen = measured(superuser, sizes=sizes, ways=())
    said = [f"Webhooks verified, stored and settled: {_said(*seen['ours'])}"]
    for way, what in WAYS.items():
        if way in seen:
            times = seen[way][1] / seen["ours"][1]
            said.append(f"{what}: {_said(*seen[way])}, {times:.1f} times ours")
    print("; ".join(said) + missing)
    sys.exit("handlers" in seen and seen["ours"][1] > MOST_SHARE * seen["handlers"][1])


def measured(superuser: str, *, sizes: list[int], ways: Iterable[str]) -> dict[str, Taken]:
    """The medians of each way; the first of the rounds warms up and is not counted.

    Raises CalledProcessError where dj-stripe cannot be installed.
    """
    with ExitStack() as opened:
        takes = {way: opened.enter_context(theirs(way, sizes, superuser)) for way in ways}
        takes["ours"] = opened.enter_context(ours(sizes))
        rounds = [
            {way: take(events[number]) for way, (events, take) in takes.items()}
            for number in range(len(sizes))
        ]
    return {way: _middle([seen[way] for seen in rounds[1:]]) for way in takes}


@contextmanager
def ours(sizes: list[int]) -> Iterator[Taker]:
    """The events of each round, and how we take them."""
    from django.core.handlers.wsgi import WSGIHandler
    from django.test.utils import override_settings

    with _sandbox() as sandbox, silent(), override_settings(STRIPE_API_BASE=sandbox.url):
        for number in range(sum(sizes)):
            paid(sandbox, number)
        handler, secret = WSGIHandler(), os.environ["STRIPE_WEBHOOK_SECRET"]

        def take(events: Events) -> Taken:
            return rate_and_cost(
                handler, [call("/webhooks/stripe/", event, secret=secret) for event in events]
            )

        yield _in_rounds(_told(sandbox), sizes), take


@contextmanager
def theirs(way: str, sizes: list[int], superuser: str) -> Iterator[Taker]:
    """The same of dj-stripe, in a process of its own."""
    state = Path(os.environ.get("COFFER_STATE_DIR", PROJECT / ".state")).absolute() / "bench"
    state.mkdir(parents=True, exist_ok=True)
    python = beside.installed(state / "djstripe", WANTED)
    database = f"coffer_bench_djstripe_{way}"
    environment = beside.new_database(superuser, database)
    with _sandbox() as sandbox:
        told = {"BENCH_STRIPE": sandbox.url, "BENCH_STRIPE_VERSION": stripe.api_version}
        events = _in_rounds(_bought_elsewhere(sandbox, sum(sizes)), sizes)
        worker = subprocess.Popen(
            [python, str(WORKER), way, str(sum(sizes))],
            env={**environment, **told},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        sends, answers = worker.stdin, worker.stdout
        assert sends is not None
        assert answers is not None

        def take(events: Events) -> Taken:
            sends.write(json.dumps(events) + "\n")
            sends.flush()
            line = answers.readline()
            assert line, "dj-stripe's process has ended; it has said why on stderr"
            rate, cost = json.loads(line)
            return rate, cost

        yield events, take
        sends.close()
        assert worker.wait(timeout=60) == 0, "each was credited"
    beside.drop_database(superuser, database)


def paid(sandbox: SandboxProcess, number: int) -> str:
    """A session that somebody has just paid for."""
    from accounts.models import User
    from checkout import sessions
    from checkout.models import Tier
    from purchases import opening

    tier, _ = Tier.objects.get_or_create(
        slug="plus", defaults={"name": "Plus", "credits": 200, "price_minor": 1800, "currency": "USD"}
    )
    buyer = User.objects.create(email=f"buyer{number}@example.com")
    opened = opening.open_payment(owner=buyer, session=sessions.start(owner=buyer, tier=tier))
    session_id = opened.purchase.stripe_session_id or ""
    sandbox.pay(session_id)
    return session_id


@contextmanager
def _sandbox() -> Iterator[SandboxProcess]:
    sandbox = SandboxProcess().start()
    try:
        sandbox.control("delivery_mode", mode="off")
        yield sandbox
    finally:
        sandbox.stop()


def _middle(seen: list[Taken]) -> Taken:
    return statistics.median(rate for rate, _cost in seen), statistics.median(cost for _rate, cost in seen)


def _said(rate: float, cost: float) -> str:
    return f"{cost * 1000:.1f} ms of CPU each ({rate:.0f}/s)"


def _bought_elsewhere(sandbox: SandboxProcess, count: int) -> Events:
    """The events of payments in a shop that keeps wallets by number."""
    price = {"currency": "usd", "unit_amount": 1800, "product_data": {"name": "Plus"}}
    opened = _client(sandbox).v1.checkout.sessions
    for number in range(count):
        params: Any = {
            "mode": "payment",
            "success_url": "https://shop.example/",
            "line_items": [{"price_data": price, "quantity": 1}],
            "metadata": {"wallet": str(number), "credits": "200"},
        }
        sandbox.pay(opened.create(params).id)
    return _told(sandbox)


def _told(sandbox: SandboxProcess) -> Events:
    """What Stripe would tell of the payments, oldest first."""
    found = _client(sandbox).v1.events.list({"types": [COMPLETED], "limit": 100}).auto_paging_iter()
    return [event.to_dict(for_json=True) for event in found][::-1]


def _in_rounds(events: Events, sizes: list[int]) -> list[Events]:
    rest = iter(events)
    return [[next(rest) for _ in range(size)] for size in sizes]


def _client(sandbox: SandboxProcess) -> stripe.StripeClient:
    return stripe.StripeClient("sk_test_bench", base_addresses={"api": sandbox.url})


if __name__ == "__main__":
    main()
