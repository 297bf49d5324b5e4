"""What the price pages show: the tiers, which of them is the best value, and the reader's unfinished order."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.db.models import QuerySet, Subquery
from django.db.models.functions import JSONObject, Now

from checkout.models import CheckoutSession, Tier


@dataclass(frozen=True, kw_only=True)
class Offer:
    """A tier beside the others."""

    tier: Tier
    saves_percent: int = 0  # per credit, against the dearest; whole percents, rounded down
    saves_against: str = ""  # the name of that one
    is_best_value: bool = False


@dataclass(frozen=True, kw_only=True)
class PriceList:
    """Everything a price page needs, read in one query."""

    offers: list[Offer]
    waiting: dict[str, Any] | None  # id, slug, name, price and currency of the order that was begun


def price_list(buyer: AbstractBaseUser | AnonymousUser) -> PriceList:
    """Return all tiers that are for sale, and the order that `buyer` began and can still pay."""
    tiers = list(
        _with_waiting(Tier.objects.filter(active=True), buyer).order_by("order", "price_minor", "pk")
    )
    return PriceList(offers=compare(tiers), waiting=tiers[0].waiting if tiers else None)  # type: ignore[attr-defined]


def offer_of(slug: str, buyer: AbstractBaseUser | AnonymousUser) -> PriceList | None:
    """Return the one tier and the buyer's order; None where it is not for sale."""
    tier = _with_waiting(Tier.objects.filter(active=True, slug=slug), buyer).first()
    return None if tier is None else PriceList(offers=[Offer(tier=tier)], waiting=tier.waiting)  # type: ignore[attr-defined]


def compare(tiers: Sequence[Tier]) -> list[Offer]:
    """Say how much each saves per credit, and which one saves most. Nothing where the currencies differ."""
    each = [Fraction(tier.price_minor, tier.total_credits) for tier in tiers]
    if len({tier.currency for tier in tiers}) != 1 or len(set(each)) < 2:
        return [Offer(tier=tier) for tier in tiers]
    dearest, cheapest = max(each), min(each)
    return [
        Offer(
            tier=tier,
            saves_percent=int(100 * (1 - price / dearest)),
            saves_against=tiers[each.index(dearest)].name,
            is_best_value=price == cheapest and each.count(cheapest) == 1,
        )
        for tier, price in zip(tiers, each, strict=True)
    ]


def _with_waiting(tiers: QuerySet[Tier], buyer: AbstractBaseUser | AnonymousUser) -> QuerySet[Tier]:
    mine = CheckoutSession.objects.filter(
        owner_id=buyer.pk, status=CheckoutSession.Status.ACTIVE, expires_at__gt=Now()
    )
    shown = JSONObject(
        id="id",
        tier_slug="tier_slug",
        tier_name="tier_name",
        price_minor="price_minor",
        currency="currency",
    )
    return tiers.annotate(waiting=Subquery(mine.values(data=shown)[:1]))
