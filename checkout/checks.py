"""System checks of what is for sale: Stripe can charge each price, and a session lives long enough to be paid."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import DatabaseError

from checkout import currencies
from checkout.models import Tier

STRIPE_MINUTES = (
    30  # the least that a Checkout Session may be open: https://docs.stripe.com/api/checkout/sessions/create
)


@register()
def session_length(**_kwargs: Any) -> list[CheckMessage]:
    """A session must outlive Stripe's own, which ends half an hour after it was opened at the earliest."""
    if settings.CHECKOUT_SESSION_HOURS >= 1:
        return []
    return [
        Error(
            "CHECKOUT_SESSION_HOURS is too short: nobody could pay.",
            hint=f"Stripe keeps its page open for {STRIPE_MINUTES} minutes at least; set 1 or more (24 is usual).",
            id="checkout.E001",
        )
    ]


@register(Tags.database)
def prices_in_database(databases: Sequence[str] | None = None, **_kwargs: Any) -> list[CheckMessage]:
    """`check --database default`: the price of every tier that is for sale."""
    return _prices() if "default" in (databases or ()) else []


@register(Tags.security, deploy=True)
def prices_in_deployment(**_kwargs: Any) -> list[CheckMessage]:
    """`check --deploy`: the same, where a database is configured and answers."""
    return _prices() if settings.DATABASE_URL else []


def _prices() -> list[CheckMessage]:
    try:
        tiers = list(Tier.objects.filter(active=True))
    except DatabaseError:  # not migrated yet, or away: readiness says so
        return []
    return [message for tier in tiers for message in _of(tier)]


def _of(tier: Tier) -> list[CheckMessage]:
    step = currencies.smallest_step(tier.currency)
    least, most = currencies.least_charge(tier.currency), currencies.most_charge(tier.currency)
    written = currencies.written(tier.price_minor, tier.currency)
    if tier.price_minor % step:
        hint = (
            f"Amounts in {tier.currency} are multiples of {step} of Stripe's minor units: {currencies.SOURCE}"
        )
        return [Error(f"Tier {tier.slug}: Stripe cannot charge {written}.", hint=hint, id="checkout.E002")]
    if tier.price_minor > most:
        hint = f"The most is {currencies.written(most, tier.currency)}: {currencies.SOURCE}"
        return [Error(f"Tier {tier.slug}: Stripe cannot charge {written}.", hint=hint, id="checkout.E003")]
    if least and tier.price_minor < least:
        smallest = currencies.written(least, tier.currency)
        hint = f"The least is {smallest}, for an account that settles in it: {currencies.SOURCE}"
        return [Warning(f"Tier {tier.slug}: Stripe refuses {written}.", hint=hint, id="checkout.W001")]
    return []
