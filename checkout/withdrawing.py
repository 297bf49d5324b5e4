"""Taking a tier off sale. What is paid is honoured all the same; what was only begun ends, and its page helps."""

import structlog
from django.db import transaction

from checkout import locks
from checkout.ending import end
from checkout.models import CheckoutSession, Tier

log = structlog.get_logger(__name__)

Status = CheckoutSession.Status


def withdraw(*, tier: Tier) -> int:
    """Take `tier` off sale, end the active sessions of it, and return how many those were. Repeatable.

    A payment page that is open at Stripe can still be paid, and is credited as it was offered.
    """
    Tier.objects.filter(pk=tier.pk).update(active=False)
    # One that began in this very moment lives its day and is honoured.
    begun = CheckoutSession.objects.filter(tier_id=tier.pk, status=Status.ACTIVE).values_list("pk", flat=True)
    ended = 0
    for session_id in begun:
        with transaction.atomic():
            session = locks.lock_session(session_id)
            if session is not None and session.is_active:
                end(session, Status.INVALIDATED, CheckoutSession.EndReason.WITHDRAWN)
                ended += 1
    log.info("tier_withdrawn", tier=tier.slug, sessions=ended)
    return ended
