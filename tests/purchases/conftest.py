"""A purchase at every stage, opened at the sandbox by the real verbs."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import stripe as stripe_package
from django.http import HttpResponse
from django.test import Client

from accounts.models import User
from checkout import sessions
from checkout.models import CheckoutSession, Tier
from purchases import opening
from purchases.models import Purchase
from tests.environment import WEBHOOK_SECRET
from tests.sandbox_process import SandboxProcess

Deliver = Callable[..., HttpResponse]


@pytest.fixture
def session(alice: User, plus: Tier) -> CheckoutSession:
    return sessions.start(owner=alice, tier=plus)


@pytest.fixture
def opened(alice: User, session: CheckoutSession, stripe: SandboxProcess) -> Purchase:
    """Alice is at Stripe's page."""
    return opening.open_payment(owner=alice, session=session).purchase


@pytest.fixture
def paid(opened: Purchase, stripe: SandboxProcess) -> Purchase:
    """Alice has paid; nobody here knows yet."""
    stripe.pay(opened.stripe_session_id or "")
    return opened


def event(kind: str, stripe_object: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """An event as Stripe would send it."""
    return {
        "id": "evt_1",
        "object": "event",
        "type": kind,
        "livemode": False,
        "api_version": "2026-10-28.endive",
        "data": {"object": stripe_object},
        **fields,
    }


def deliver(body: dict[str, Any] | bytes, *, secret: str = WEBHOOK_SECRET, **header: Any) -> HttpResponse:
    """Send a signed webhook call, as Stripe's machine would."""
    payload = body if isinstance(body, bytes) else json.dumps(body).encode()
    signature = stripe_package.WebhookSignature.generate_signature_header(
        payload.decode(errors="replace"), secret, **header
    )
    return Client(raise_request_exception=False).post(  # type: ignore[return-value]
        "/webhooks/stripe/", payload, "application/json", headers={"Stripe-Signature": signature}
    )


def completed(purchase: Purchase, **fields: Any) -> dict[str, Any]:
    """The event that tells of a finished form. What it says of the payment is not believed anyway."""
    session = {"id": purchase.stripe_session_id, "object": "checkout.session", "payment_status": "unpaid"}
    return event("checkout.session.completed", session, **fields)


@pytest.fixture
def admin(db: None) -> User:
    return User.objects.create_superuser("admin@example.com", "admin-password")


@pytest.fixture
def admin_client(admin: User) -> Client:
    client = Client()
    client.force_login(admin, backend="accounts.backends.PasswordBackend")
    return client
