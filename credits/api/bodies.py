"""What the ledger's calls take."""

from typing import ClassVar

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from credits.gifts import KINDS
from rest.bodies import Amount, Body, Instant, Metadata, Text

A_YEAR = 366 * 24 * 3600
MOST_TEXT = 500
EXPIRES_IN = (
    "Seconds; seven days where nothing is said. After that the hold cannot be captured, and within a minute its"
    " credits are free again."
)


@extend_schema_field({"type": "integer", "minimum": 1, "maximum": A_YEAR})
class Seconds(Amount):
    """A length of time: a JSON integer, a year at most."""

    most = A_YEAR


class SpendBody(Body):
    """How much is taken, and for what."""

    example: ClassVar = {"amount": 5, "description": "One picture", "metadata": {"job": "7"}}

    amount = Amount()
    description = Text(required=False, allow_blank=True, max_length=MOST_TEXT)
    metadata = Metadata(required=False)


class HoldBody(Body):
    """How much is put aside, for how long, and for what."""

    example: ClassVar = {"amount": 5, "expires_in": 3600, "description": "One picture"}

    amount = Amount()
    expires_in = Seconds(required=False, help_text=EXPIRES_IN)
    description = Text(required=False, allow_blank=True, max_length=MOST_TEXT)
    metadata = Metadata(required=False)


class PartBody(Body):
    """Capture and reverse: all that there is, or less."""

    example: ClassVar = {"amount": 5}

    amount = Amount(required=False, help_text="All of it where nothing is said.")
    description = Text(required=False, allow_blank=True, max_length=MOST_TEXT)
    metadata = Metadata(required=False)


class NothingBody(Body):
    """No member at all; the body may be left out."""


class GrantBody(Body):
    """How much of which kind is given, and until when it lasts."""

    example: ClassVar = {
        "amount": 20,
        "kind": "promo",
        "description": "Welcome",
        "expires_at": "2090-01-31T12:00:00Z",
    }

    amount = Amount()
    kind = serializers.ChoiceField(KINDS)
    description = Text(required=False, allow_blank=True, max_length=MOST_TEXT)
    expires_at = Instant(required=False)
    metadata = Metadata(required=False)
