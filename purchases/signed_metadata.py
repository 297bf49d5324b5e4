"""What we leave at Stripe so that a purchase can be recognised, and rebuilt where our row is gone.

The signature has a key of its own (PURCHASES_METADATA_KEY): rebuilding believes nothing that we did not sign.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.utils.crypto import constant_time_compare, salted_hmac

SALT = "purchases.signed_metadata"
NOTHING = "none"
# Joined in this order, each with its length, so that no two contents sign alike.
SIGNED = (
    "purchase",
    "checkout_session",
    "owner",
    "owner_joined",
    "tier",
    "tier_name",
    "credits",
    "bonus_credits",
    "price_minor",
    "currency",
    "expires_after_days",
)
# Signed where they are said: only a buyer who was asked has agreed to terms.
SIGNED_IF_SAID = ("terms_agreed_at", "terms_url", "terms_version")


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """What a purchase froze, as read back from Stripe."""

    purchase: uuid.UUID
    checkout_session: uuid.UUID
    owner_id: int
    owner_joined: str
    tier_slug: str
    tier_name: str
    credits: int
    bonus_credits: int
    price_minor: int
    currency: str
    expires_after_days: int | None
    terms_agreed_at: datetime | None
    terms_url: str
    terms_version: str


def signed(values: Mapping[str, object]) -> dict[str, str]:
    """Return Stripe metadata: `values` (one for each name in SIGNED) as text, with their signature."""
    # Stripe drops a member whose value is empty.
    texts = {name: NOTHING if values[name] is None else str(values[name]) for name in SIGNED}
    texts |= {name: str(values[name]) for name in SIGNED_IF_SAID if values.get(name)}
    return {**texts, "signature": _signature(texts)}


def purchase_id(metadata: Mapping[str, str]) -> uuid.UUID | None:
    """The purchase that the metadata names, signed or not; None where it names none of ours."""
    try:
        return uuid.UUID(str(metadata.get("purchase", "")))  # an event may say anything
    except ValueError:
        return None


def snapshot(metadata: Mapping[str, str]) -> Snapshot | None:
    """Return what we signed; None where a part is missing or the signature is not ours."""
    if not all(name in metadata for name in (*SIGNED, "signature")):
        return None
    if not constant_time_compare(_signature(metadata), metadata["signature"]):
        return None
    days, agreed_at = metadata["expires_after_days"], metadata.get("terms_agreed_at")
    return Snapshot(
        purchase=uuid.UUID(metadata["purchase"]),
        checkout_session=uuid.UUID(metadata["checkout_session"]),
        owner_id=int(metadata["owner"]),
        owner_joined=metadata["owner_joined"],
        tier_slug=metadata["tier"],
        tier_name=metadata["tier_name"],
        credits=int(metadata["credits"]),
        bonus_credits=int(metadata["bonus_credits"]),
        price_minor=int(metadata["price_minor"]),
        currency=metadata["currency"],
        expires_after_days=None if days == NOTHING else int(days),
        terms_agreed_at=datetime.fromisoformat(agreed_at) if agreed_at else None,
        terms_url=metadata.get("terms_url", ""),
        terms_version=metadata.get("terms_version", ""),
    )


def _signature(texts: Mapping[str, str]) -> str:
    message = "".join(f"{len(texts[name])}:{texts[name]}" for name in SIGNED)
    message += "".join(f"{name}:{len(texts[name])}:{texts[name]}" for name in SIGNED_IF_SAID if name in texts)
    digest = salted_hmac(SALT, message, secret=settings.PURCHASES_METADATA_KEY, algorithm="sha256")
    return digest.hexdigest()
