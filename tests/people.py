"""Fixtures that several folders share: Alice buys, Bob buys too, Charlie must see nothing; three tiers; the sandbox."""

from collections.abc import Iterator

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from accounts.models import User
from checkout.models import Tier
from tests.environment import WEBHOOK_SECRET
from tests.sandbox_process import SandboxProcess


@pytest.fixture
def alice(db: None) -> User:
    return User.objects.create_user("alice@example.com", "alice-password")


@pytest.fixture
def bob(db: None) -> User:
    return User.objects.create_user("bob@example.com", "bob-password")


@pytest.fixture
def charlie(db: None) -> User:
    return User.objects.create_user("charlie@example.com", "charlie-password")


@pytest.fixture
def alice_client(alice: User) -> Client:
    client = Client()
    client.force_login(alice, backend="accounts.backends.PasswordBackend")
    return client


@pytest.fixture
def charlie_client(charlie: User) -> Client:
    client = Client()
    client.force_login(charlie, backend="accounts.backends.PasswordBackend")
    return client


@pytest.fixture
def starter(db: None) -> Tier:
    return Tier.objects.create(slug="starter", name="Starter", credits=50, price_minor=500, currency="USD")


@pytest.fixture
def plus(db: None) -> Tier:
    return Tier.objects.create(
        slug="plus", name="Plus", credits=200, bonus_credits=20, price_minor=1800, currency="USD"
    )


@pytest.fixture(scope="session")
def sandbox_process() -> Iterator[SandboxProcess]:
    """Stripe's stand-in, one process a test worker. It delivers no webhooks: tests that want one sign it themselves."""
    process = SandboxProcess().start()
    yield process
    process.stop()


@pytest.fixture
def stripe(sandbox_process: SandboxProcess, settings: Settings) -> SandboxProcess:
    """An empty Stripe that our gateway speaks to."""
    sandbox_process.reset()
    sandbox_process.control("delivery_mode", mode="off")
    settings.STRIPE_API_BASE = sandbox_process.url
    return sandbox_process


WEBHOOK = "/webhooks/stripe/"
__all__ = ["WEBHOOK", "WEBHOOK_SECRET"]
