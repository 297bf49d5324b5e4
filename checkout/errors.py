"""What can go wrong in a checkout. Each says what a page needs to explain it."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from checkout.models import CheckoutSession, Tier


class CheckoutError(Exception):
    """Anything that checkout raises."""


class TierNotSold(CheckoutError):
    """The tier is unknown or was withdrawn."""

    def __init__(self, slug: str) -> None:
        super().__init__(f"tier {slug} is not for sale")
        self.slug = slug


class SessionNotActive(CheckoutError):
    """The session is over (or gone): nothing can be paid or changed with it. It may be recovered."""

    def __init__(self, session: "CheckoutSession | None" = None) -> None:
        super().__init__(f"checkout session {session.pk if session else 'that is gone'} is not active")
        self.session = session


class RecoveryNeedsConsent(SessionNotActive):
    """The tier's terms changed since the session began: the buyer must see them and agree first."""

    def __init__(self, session: "CheckoutSession", tier: "Tier") -> None:
        super().__init__(session)
        self.tier = tier
        self.old_price_minor = session.price_minor
        self.new_price_minor = tier.price_minor
