"""What can go wrong in a checkout. Each says what a page needs to explain it."""

import uuid
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

    def __init__(self, session_id: uuid.UUID) -> None:
        super().__init__(f"checkout session {session_id} is not active")
        self.session_id = session_id


class OwnerEnded(CheckoutError):
    """The guest has become somebody else's: what they had is to be found there, and nothing new can begin."""

    def __init__(self, owner_id: int) -> None:
        super().__init__(f"guest {owner_id} has ended")
        self.owner_id = owner_id


class RecoveryNeedsConsent(SessionNotActive):
    """The tier's terms changed since the session began: the buyer must see them and agree first."""

    def __init__(self, session: "CheckoutSession", tier: "Tier") -> None:
        super().__init__(session.pk)
        self.session = session
        self.tier = tier
        self.old_price_minor = session.price_minor
        self.new_price_minor = tier.price_minor
