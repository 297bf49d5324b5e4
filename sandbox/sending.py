"""Sends webhook deliveries over HTTP, signed as Stripe signs them."""

import hashlib
import hmac
import http.client
import json
import time
from urllib.parse import urlsplit

from sandbox import deliveries
from sandbox.store import Json
from sandbox.world import World

STALE_SECONDS = 3600


def signature_header(payload: str, secret: str, timestamp: int) -> str:
    digest = hmac.new(secret.encode(), f"{timestamp}.{payload}".encode(), hashlib.sha256).hexdigest()
    return f"t={timestamp},v1={digest}"


def send(world: World, delivery: Json) -> None:
    """One attempt. The receiver's clock is the real one, so the signature's time is too."""
    event = world.store.get("event", delivery["event"])
    if event is None:
        deliveries.note_attempt(world, delivery, status=None, error="the event is gone")
        return
    payload = json.dumps(event, indent=2)
    secret = world.endpoint.secret + ("-wrong" if delivery["signature"] == "wrong" else "")
    timestamp = int(time.time()) - (STALE_SECONDS if delivery["signature"] == "stale" else 0)
    try:
        status = _post(
            world.endpoint.url,
            payload.encode(),
            signature_header(payload, secret, timestamp),
            world.options.webhook_timeout_seconds,
        )
    except (OSError, http.client.HTTPException, ValueError) as error:
        deliveries.note_attempt(world, delivery, status=None, error=f"{type(error).__name__}: {error}"[:200])
    else:
        deliveries.note_attempt(world, delivery, status=status, error="")


def _post(url: str, body: bytes, signature: str, timeout: float) -> int:
    """The answer's status. Redirects are not followed: to Stripe they are a failure."""
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port or (443 if secure else 80), timeout=timeout)
    try:
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
            "Accept": "*/*; q=0.5, application/xml",
            "Stripe-Signature": signature,
        }
        connection.request(
            "POST", (parts.path or "/") + (f"?{parts.query}" if parts.query else ""), body, headers
        )
        answer = connection.getresponse()
        answer.read(65536)
        return answer.status
    finally:
        connection.close()
