"""Whether Stripe sent it."""

import stripe
from django.conf import settings

from purchases.errors import NotFromStripe

TOLERANCE_SECONDS = 300


def verify_signature(payload: bytes, header: str) -> str:
    """Return the body of a webhook call as text. Raises NotFromStripe unless one of our secrets signed it."""
    if not header:
        raise NotFromStripe("no signature")
    secrets = settings.STRIPE_WEBHOOK_SECRETS
    if any(_fits(payload, header, secret, tolerance=TOLERANCE_SECONDS) for secret in secrets):
        return payload.decode()
    if any(_fits(payload, header, secret, tolerance=None) for secret in secrets):
        raise NotFromStripe("signed by Stripe, but too long ago: our clock is off, or it is a replay")
    raise NotFromStripe("no webhook secret fits the signature")


def _fits(payload: bytes, header: str, secret: str, *, tolerance: int | None) -> bool:
    try:
        stripe.WebhookSignature.verify_header(payload, header, secret, tolerance)
    except (stripe.SignatureVerificationError, ValueError, TypeError, OverflowError):
        return False
    return True
