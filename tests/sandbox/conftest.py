"""A running sandbox, the real client for it, and something that receives its webhooks."""

from collections.abc import Iterator
from typing import Any

import pytest
from stripe import StripeClient

from tests.sandbox.receiver import Receiver
from tests.sandbox_process import SandboxProcess

SECRET = "whsec_sandbox_tests"


@pytest.fixture(scope="session")
def receiver_process() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.close()


@pytest.fixture(scope="session")
def sandbox_process(receiver_process: Receiver) -> Iterator[SandboxProcess]:
    process = SandboxProcess().start(webhook_url=receiver_process.url, webhook_secret=SECRET)
    yield process
    process.stop()


@pytest.fixture
def sandbox(sandbox_process: SandboxProcess, receiver_process: Receiver) -> SandboxProcess:
    """As new: nothing in it, the clock right, every delivery normal."""
    sandbox_process.reset()
    sandbox_process.control("webhook", url=receiver_process.url, enabled_events=["*"])
    receiver_process.clear()
    return sandbox_process


@pytest.fixture
def receiver(sandbox: SandboxProcess, receiver_process: Receiver) -> Receiver:
    return receiver_process


@pytest.fixture
def client(sandbox: SandboxProcess) -> StripeClient:
    return client_of(sandbox)


@pytest.fixture
def session(client: StripeClient) -> Any:
    return client.v1.checkout.sessions.create(asked())


def client_of(sandbox: SandboxProcess, *, key: str = "sk_test_x", retries: int = 0) -> StripeClient:
    return StripeClient(key, base_addresses={"api": sandbox.url}, max_network_retries=retries)


def asked(**more: Any) -> Any:
    """What a shop asks for: 220 credits for 18.00 USD."""
    return {
        "mode": "payment",
        "success_url": "http://localhost:8000/return/?session_id={CHECKOUT_SESSION_ID}",
        "cancel_url": "http://localhost:8000/cancelled/",
        "line_items": [line()],
        "metadata": {"purchase": "p-1"},
        "payment_intent_data": {"metadata": {"purchase": "p-1"}},
        "allowed_payment_method_types": ["card", "us_bank_account", "sepa_debit"],
        "adaptive_pricing": {"enabled": False},
        "automatic_tax": {"enabled": False},
        **more,
    }


def line(*, amount: int = 1800, currency: str = "usd", quantity: int = 1, **price: Any) -> Any:
    product = {"name": "Plus", "description": "220 credits"}
    return {
        "quantity": quantity,
        "price_data": {"currency": currency, "unit_amount": amount, "product_data": product, **price},
    }
