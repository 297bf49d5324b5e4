"""What the checkout's calls take and answer."""

from datetime import datetime
from typing import Any, ClassVar

from rest_framework import serializers

from checkout.models import CheckoutSession, Tier
from rest.bodies import Amount, Body, Text


class TierBody(Body):
    """Which tier is wanted."""

    example: ClassVar = {"tier": "plus"}

    tier = Text(max_length=60, help_text="Its slug.")


class RecoverBody(Body):
    """The price that the buyer saw and agreed to, where it changed."""

    example: ClassVar = {"accept_price_minor": 2000}

    accept_price_minor = Amount(required=False)


class TierAnswer(serializers.Serializer[Any]):
    """What is for sale. Prices are in the currency's smallest unit, as Stripe counts it."""

    example: ClassVar = {
        "slug": "plus",
        "name": "Plus",
        "description": "",
        "credits": 200,
        "bonus_credits": 20,
        "total_credits": 220,
        "price_minor": 1800,
        "currency": "USD",
        "expires_after_days": None,
        "badge": "",
    }

    slug = serializers.CharField()
    name = serializers.CharField()
    description = serializers.CharField(allow_blank=True)
    credits = serializers.IntegerField()
    bonus_credits = serializers.IntegerField()
    total_credits = serializers.IntegerField()
    price_minor = serializers.IntegerField()
    currency = serializers.CharField()
    expires_after_days = serializers.IntegerField(allow_null=True)
    badge = serializers.CharField(allow_blank=True)


class TiersAnswer(serializers.Serializer[Any]):
    """The price list, in its order."""

    results = TierAnswer(many=True)


class SessionAnswer(serializers.Serializer[Any]):
    """What one person is about to buy, on the terms of the moment when it began."""

    example: ClassVar = {
        "id": "0192f0c1-5d6e-7f80-9a1b-2c3d4e5f6071",
        "status": "active",
        "is_payable": True,
        "end_reason": "",
        "tier": "plus",
        "tier_name": "Plus",
        "credits": 200,
        "bonus_credits": 20,
        "total_credits": 220,
        "price_minor": 1800,
        "currency": "USD",
        "expires_at": "2026-02-01T12:00:00Z",
        "created_at": "2026-01-31T12:00:00Z",
        "renewed_from": None,
        "recovered_from": None,
    }

    id = serializers.UUIDField()
    status = serializers.ChoiceField(CheckoutSession.Status.values)
    is_payable = serializers.BooleanField(help_text="False: recover it.")
    end_reason = serializers.CharField(allow_blank=True)
    tier = serializers.CharField()
    tier_name = serializers.CharField()
    credits = serializers.IntegerField()
    bonus_credits = serializers.IntegerField()
    total_credits = serializers.IntegerField()
    price_minor = serializers.IntegerField()
    currency = serializers.CharField()
    expires_at = serializers.DateTimeField()
    created_at = serializers.DateTimeField()
    renewed_from = serializers.UUIDField(allow_null=True)
    recovered_from = serializers.UUIDField(allow_null=True)


def tier(offer: Tier) -> dict[str, Any]:
    return {
        "slug": offer.slug,
        "name": offer.name,
        "description": offer.description,
        "credits": offer.credits,
        "bonus_credits": offer.bonus_credits,
        "total_credits": offer.total_credits,
        "price_minor": offer.price_minor,
        "currency": offer.currency,
        "expires_after_days": offer.expires_after_days,
        "badge": offer.badge,
    }


def session(kept: CheckoutSession, *, is_payable: bool, now: datetime) -> dict[str, Any]:
    """A session as its owner may see it; past its time it counts as expired, booked or not."""
    is_over = kept.is_active and kept.has_expired(now=now)
    return {
        "id": str(kept.pk),
        "status": CheckoutSession.Status.EXPIRED.value if is_over else kept.status,
        "is_payable": is_payable,
        "end_reason": kept.end_reason,
        "tier": kept.tier_slug,
        "tier_name": kept.tier_name,
        "credits": kept.credits,
        "bonus_credits": kept.bonus_credits,
        "total_credits": kept.total_credits,
        "price_minor": kept.price_minor,
        "currency": kept.currency,
        "expires_at": kept.expires_at,
        "created_at": kept.created_at,
        "renewed_from": kept.renewed_from_id and str(kept.renewed_from_id),
        "recovered_from": kept.recovered_from_id and str(kept.recovered_from_id),
    }
