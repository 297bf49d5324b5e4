"""Sessions as they were some time ago. The people and tiers are in tests/people.py."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db.models.functions import Now

from accounts.models import User
from checkout.models import CheckoutSession, Tier

BeginSession = Callable[..., CheckoutSession]


@pytest.fixture
def begin(alice: User, plus: Tier) -> BeginSession:
    """Insert a session as it was that long ago: `begin(ago=timedelta(hours=25))` is past its time."""

    def begin(
        *, ago: timedelta = timedelta(0), owner: User = alice, tier: Tier = plus, **fields: Any
    ) -> CheckoutSession:
        terms = {
            "tier_slug": tier.slug,
            "tier_name": tier.name,
            "credits": tier.credits,
            "bonus_credits": tier.bonus_credits,
            "price_minor": tier.price_minor,
            "currency": tier.currency,
            "expires_after_days": tier.expires_after_days,
        }
        times = {"created_at": Now() - ago, "expires_at": Now() - ago + timedelta(hours=24)}
        session = CheckoutSession.objects.create(owner=owner, tier=tier, **{**terms, **times, **fields})
        session.refresh_from_db()
        return session

    return begin
