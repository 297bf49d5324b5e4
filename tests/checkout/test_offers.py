"""What a price list says beside the prices."""

import pytest
from django.contrib.auth.models import AnonymousUser

from accounts.models import User
from checkout import sessions
from checkout.models import CheckoutSession, Tier
from checkout.offers import compare, offer_of, price_list


def tier(credits: int, price_minor: int, currency: str = "USD") -> Tier:
    return Tier(name=f"{credits}", credits=credits, price_minor=price_minor, currency=currency)


def said(*tiers: Tier) -> list[tuple[int, bool]]:
    return [(offer.saves_percent, offer.is_best_value) for offer in compare(tiers)]


def test_the_cheapest_per_credit_is_the_best_value() -> None:
    assert said(tier(50, 500), tier(220, 1800), tier(460, 3200)) == [(0, False), (18, False), (30, True)]


def test_two_equally_cheap_ones_have_no_best() -> None:
    assert said(tier(50, 500), tier(100, 900), tier(200, 1800)) == [(0, False), (10, False), (10, False)]


@pytest.mark.parametrize(
    "tiers",
    [(), (tier(50, 500),), (tier(50, 500), tier(100, 1000)), (tier(50, 500), tier(100, 900, "EUR"))],
    ids=["none", "one", "equal", "two currencies"],
)
def test_what_cannot_be_compared_is_not(tiers: tuple[Tier, ...]) -> None:
    assert said(*tiers) == [(0, False)] * len(tiers)


def test_the_unfinished_order_comes_along(alice: User, bob: User, starter: Tier, plus: Tier) -> None:
    session = sessions.start(owner=alice, tier=plus)

    waiting = price_list(alice).waiting
    assert waiting == {
        "id": str(session.pk),
        "tier_slug": "plus",
        "tier_name": "Plus",
        "price_minor": 1800,
        "currency": "USD",
    }
    assert price_list(bob).waiting is None
    assert price_list(AnonymousUser()).waiting is None


def test_an_order_past_its_time_does_not(alice: User, plus: Tier) -> None:
    session = sessions.start(owner=alice, tier=plus)
    CheckoutSession.objects.filter(pk=session.pk).update(expires_at=session.created_at)

    assert price_list(alice).waiting is None


def test_what_is_not_for_sale_has_no_offer(alice: User, plus: Tier) -> None:
    assert offer_of("plus", alice) is not None
    Tier.objects.update(active=False)

    assert offer_of("plus", alice) is None
    assert price_list(alice).offers == []
