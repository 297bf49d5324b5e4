"""What a proof has seen so far: counts, sums by currency, and each difference in words."""

from collections import Counter
from dataclasses import dataclass, field

import structlog

from purchases.models import Purchase

log = structlog.get_logger(__name__)

MOST_KEPT = 1000
TOTALS = (
    "sessions",
    "paid_minor",
    "purchases",
    "recorded_minor",
    "sold_credits",
    "granted_credits",
    "returned",
    "returned_minor",
    "booked",
    "booked_minor",
)


@dataclass(kw_only=True)
class Findings:
    """Filled by proof.py and returns_proof.py. `paid` are the ids of the paid sessions that Stripe listed."""

    paid: set[str] = field(default_factory=set)
    sessions: int = 0
    not_ours: int = 0
    missing: int = 0
    settled: int = 0
    returned: int = 0
    returned_missing: int = 0
    odd: int = 0
    totals: dict[str, Counter[str]] = field(default_factory=dict)
    findings: list[dict[str, str]] = field(default_factory=list)

    def find(self, kind: str, *, session: str, purchase: Purchase | None, what: str) -> None:
        """Keep a difference, the first thousand of them, and log it."""
        uuid = str(purchase.uuid) if purchase else ""
        log.error("proof_finding", kind=kind, stripe_session=session, purchase=uuid, what=what)
        if len(self.findings) < MOST_KEPT:
            self.findings.append({"kind": kind, "stripe_session": session, "purchase": uuid, "what": what})

    def total(self, currency: str) -> Counter[str]:
        """The sums of one currency, to be added to."""
        return self.totals.setdefault(currency, Counter(dict.fromkeys(TOTALS, 0)))
