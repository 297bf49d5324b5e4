"""How a session ends unpaid: in one place, with its line in the log. Who may end which, the verbs decide."""

from checkout.journal import log_move
from checkout.models import CheckoutSession


def end(session: CheckoutSession, status: str, reason: str) -> None:
    """Move a locked session to `expired` or `invalidated` for `reason`, an EndReason."""
    before = session.status
    session.status, session.end_reason = status, reason
    session.save(update_fields=["status", "end_reason"])
    log_move(session, before=before, reason=reason)
