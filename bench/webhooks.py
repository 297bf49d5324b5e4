"""How many paid webhooks a second one process verifies, stores and settles: `python -m bench.webhooks`.

Each event is of a payment of its own, whose session is asked for at the sandbox (a process beside this one, without
delay). The clock counts; in brackets the CPU of that process alone, which is what a web worker brings. Beside us,
dj-stripe with a callback that asks for the session and credits it, in a process of its own (djstripe_worker.py).
"""

import argparse
import json
import os
import subprocess
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
DATABASE = "coffer_bench_djstripe"
COMPLETED = "checkout.session.completed"
WARM = 20


def main() -> None:
    """Print one line."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--events", type=int, default=300)
    arguments.add_argument("--alone", action="store_true", help="leave dj-stripe out")
    given = arguments.parse_args()
    sandbox = SandboxProcess().start()
    try:
        sandbox.control("delivery_mode", mode="off")
        with fresh_database("coffer_bench_webhooks") as superuser:
            said = [_said("Webhooks verified, stored and settled", *ours(sandbox, events=given.events))]
            if not given.alone:
                said.append(theirs(sandbox, superuser, events=given.events))
    finally:
        sandbox.stop()
    print("; ".join(said))


def ours(sandbox: SandboxProcess, *, events: int) -> tuple[float, float]:
    """Events a second, and seconds of CPU for one."""
    from django.core.handlers.wsgi import WSGIHandler
    from django.test.utils import override_settings

    with silent(), override_settings(STRIPE_API_BASE=sandbox.url):
        for number in range(events + WARM):
            paid(sandbox, number)
        secret = os.environ["STRIPE_WEBHOOK_SECRET"]
        calls = [call("/webhooks/stripe/", event, secret=secret) for event in _told(sandbox)]
        return rate_and_cost(WSGIHandler(), calls, warm=WARM)


def theirs(sandbox: SandboxProcess, superuser: str, *, events: int) -> str:
    """The same of dj-stripe; or a word why not."""
    state = Path(os.environ.get("COFFER_STATE_DIR", PROJECT / ".state")).absolute() / "bench"
    state.mkdir(parents=True, exist_ok=True)
    try:
        python = beside.installed(state / "djstripe", WANTED)
        environment = {
            **beside.new_database(superuser, DATABASE),
            "BENCH_STRIPE": sandbox.url,
            "BENCH_STRIPE_VERSION": stripe.api_version,
        }
        done = subprocess.run(
            [python, str(WORKER), str(WARM)],
            input="\n".join(json.dumps(event) for event in _bought_elsewhere(sandbox, events + WARM)),
            env=environment,
            check=True,
            capture_output=True,
            text=True,
        )
    except subprocess.CalledProcessError as error:
        return f"dj-stripe is left out: {beside.last_words(error)}"
    beside.drop_database(superuser, DATABASE)
    return _said("dj-stripe with a callback", *json.loads(done.stdout.splitlines()[-1]))


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


def _said(what: str, rate: float, cost: float) -> str:
    return f"{what}: {rate:.0f}/s ({cost * 1000:.1f} ms of CPU each)"


def _bought_elsewhere(sandbox: SandboxProcess, count: int) -> list[dict[str, Any]]:
    """The events of payments in a shop that keeps wallets by number."""
    sandbox.reset()
    sandbox.control("delivery_mode", mode="off")
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


def _told(sandbox: SandboxProcess) -> list[dict[str, Any]]:
    """What Stripe would tell of the payments, oldest first."""
    found = _client(sandbox).v1.events.list({"types": [COMPLETED], "limit": 100}).auto_paging_iter()
    return [event.to_dict(for_json=True) for event in found][::-1]


def _client(sandbox: SandboxProcess) -> stripe.StripeClient:
    return stripe.StripeClient("sk_test_bench", base_addresses={"api": sandbox.url})


if __name__ == "__main__":
    main()
