"""How many paid webhooks a second one process verifies, stores and settles: `python -m bench.webhooks`.

Each event is of a payment of its own, whose session is asked for at the sandbox (a process beside this one, without
delay). The clock counts; in brackets the CPU of this process alone, which is what a web worker brings.
"""

import argparse
import io
import json
import os
import time
from typing import Any

from bench.api import silent
from bench.fresh_database import fresh_database
from tests.sandbox_process import SandboxProcess


def main() -> None:
    """Print one line."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--events", type=int, default=300)
    given = arguments.parse_args()
    stripe = SandboxProcess().start()
    try:
        stripe.control("delivery_mode", mode="off")
        with fresh_database("coffer_bench_webhooks"):
            rate, cost = measured(stripe, events=given.events)
    finally:
        stripe.stop()
    print(f"Webhooks verified, stored and settled: {rate:.0f}/s ({cost * 1000:.1f} ms of CPU each)")


def measured(stripe: SandboxProcess, *, events: int) -> tuple[float, float]:
    """Events a second, and seconds of CPU for one."""
    from django.core.handlers.wsgi import WSGIHandler
    from django.test.utils import override_settings

    with silent(), override_settings(STRIPE_API_BASE=stripe.url):
        environs = [_delivery(number, paid(stripe, number)) for number in range(events)]
        handler: Any = WSGIHandler()
        clock, cpu = time.perf_counter(), time.process_time()
        for environ in environs:
            answer = handler(environ, lambda status, headers: _check(status))
            b"".join(answer)
            answer.close()
        return events / (time.perf_counter() - clock), (time.process_time() - cpu) / events


def paid(stripe: SandboxProcess, number: int) -> str:
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
    stripe.pay(session_id)
    return session_id


def _delivery(number: int, session_id: str) -> dict[str, Any]:
    """The call that Stripe would make, signed."""
    import stripe

    session = {"id": session_id, "object": "checkout.session", "payment_status": "paid"}
    event = {
        "id": f"evt_{number}",
        "object": "event",
        "type": "checkout.session.completed",
        "livemode": False,
        "api_version": stripe.api_version,
        "data": {"object": session},
    }
    body = json.dumps(event)
    secret = os.environ["STRIPE_WEBHOOK_SECRET"]
    return {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/webhooks/stripe/",
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


def _check(status: str) -> None:
    assert status.startswith("200"), status


if __name__ == "__main__":
    main()
