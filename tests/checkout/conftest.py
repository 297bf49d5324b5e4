"""The people and tiers of these tests: Alice owns, Bob has his own, Charlie must see nothing."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db.models.functions import Now

from accounts.models import User
from checkout.models import CheckoutSession, Tier

BeginSession = Callable[..., CheckoutSession]


@pytest.fixture
def alice(db: None) -> User:
    return User.objects.create_user("alice@example.com", "a-long-password")


@pytest.fixture
def bob(db: None) -> User:
    return User.objects.create_user("bob@example.com", "a-long-password")


@pytest.fixture
def charlie(db: None) -> User:
    return User.objects.create_user("charlie@example.com", "a-long-password")


@pytest.fixture
def starter(db: None) -> Tier:
    return Tier.objects.create(slug="starter", name="Starter", credits=50, price_minor=500, currency="USD")


@pytest.fixture
def plus(db: None) -> Tier:
    return Tier.objects.create(
        slug="plus", name="Plus", credits=200, bonus_credits=20, price_minor=1800, currency="USD", order=1
    )


@pytest.fixture
def begin(alice: User, plus: Tier) -> BeginSession:
    """Insert a session as it was that long ago: `begin(ago=timedelta(hours=25))` is past its time."""

    def begin(
        *, ago: timedelta = timedelta(0), owner: User = alice, tier: Tier = plus, **fields: Any
    ) -> CheckoutSession:
        terms = {
            name: getattr(tier, name)
            for name in ("credits", "bonus_credits", "price_minor", "currency", "expires_after_days")
        }
        session = CheckoutSession.objects.create(
            owner=owner,
            tier=tier,
            tier_slug=tier.slug,
            tier_name=tier.name,
            **{**terms, "created_at": Now() - ago, "expires_at": Now() - ago + timedelta(hours=24), **fields},
        )
        session.refresh_from_db()
        return session

    return begin
