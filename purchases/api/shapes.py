"""What the calls of paying take and answer."""

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from purchases import polling
from purchases.models import Purchase
from rest.bodies import Body, Text

STATES = ["processing", "credited", "failed", "expired", "review", "unknown"]


@extend_schema_field({"type": "boolean"})
class Flag(serializers.Field[bool, bool, bool, Any]):
    """A JSON true or false."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            raise serializers.ValidationError("true or false.")
        return data


class PayBody(Body):
    """Nothing; or that the buyer wants a second payment beside one under way; or has agreed to the terms."""

    example: ClassVar = {"again": False}

    again = Flag(required=False)
    accept_terms = Flag(required=False, help_text="Needed where the site asks for it (TERMS_CONSENT).")


class ReconcileBody(Body):
    """A Checkout Session of Stripe's, as the return address names it."""

    example: ClassVar = {"session_id": "cs_test_a1b2c3"}

    session_id = Text()


class PayAnswer(serializers.Serializer[Any]):
    """Where the buyer pays."""

    example: ClassVar = {
        "url": "https://checkout.stripe.com/c/pay/cs_test_a1b2c3",
        "purchase": "0192f0c1-5d6e-7f80-9a1b-2c3d4e5f6071",
    }

    url = serializers.URLField()
    purchase = serializers.UUIDField()


class ReconcileAnswer(serializers.Serializer[Any]):
    """How a payment stands. `ok`: its credits are there."""

    example: ClassVar = {"ok": True, "state": "credited", "balance": 220}

    ok = serializers.BooleanField()
    state = serializers.ChoiceField(STATES)
    balance = serializers.IntegerField(help_text="The account's `current`.")


class PurchaseAnswer(serializers.Serializer[Any]):
    """What was bought, and how it stands."""

    id = serializers.UUIDField()
    reference = serializers.CharField(help_text="What a buyer reads out to the support.")
    state = serializers.ChoiceField(STATES)
    checkout_session = serializers.UUIDField(allow_null=True)
    tier = serializers.CharField()
    tier_name = serializers.CharField()
    credits = serializers.IntegerField()
    bonus_credits = serializers.IntegerField()
    total_credits = serializers.IntegerField()
    price_minor = serializers.IntegerField()
    currency = serializers.CharField()
    amount_total = serializers.IntegerField(
        allow_null=True, help_text="What was paid, tax and discount in it."
    )
    receipt_url = serializers.CharField(allow_blank=True)
    created_at = serializers.DateTimeField()
    credited_at = serializers.DateTimeField(allow_null=True)


def purchase(kept: Purchase) -> dict[str, Any]:
    session_id = kept.checkout_session_id
    return {
        "id": str(kept.uuid),
        "reference": kept.reference,
        "state": polling.state_of(kept, None),
        "checkout_session": session_id and str(session_id),
        "tier": kept.tier_slug,
        "tier_name": kept.tier_name,
        "credits": kept.credits,
        "bonus_credits": kept.bonus_credits,
        "total_credits": kept.total_credits,
        "price_minor": kept.price_minor,
        "currency": kept.currency,
        "amount_total": kept.amount_total,
        "receipt_url": kept.receipt_url,
        "created_at": kept.created_at,
        "credited_at": kept.credited_at,
    }
