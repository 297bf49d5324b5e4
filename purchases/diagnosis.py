"""What became of one payment: our rows, Stripe's live view, the events, the ledger. Changes nothing.

verdicts.py says it in one sentence.
"""

import uuid
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import Q

from checkout.models import CheckoutSession
from credits.granted import PurchaseLine, lines_of
from purchases import signed_metadata, stripe_gateway, verdicts
from purchases.errors import StripeRefused, StripeUnavailable, UnknownAtStripe
from purchases.models import Purchase, StripeEvent
from purchases.stripe_gateway import StripeSession

Status = Purchase.Status
# Of several purchases of one person, the one that an operator asks about is likely in one of these.
TROUBLED = (Status.REVIEW, Status.PROCESSING, Status.OPENING, Status.OPEN)
MOST_OTHERS = 50
# Of Stripe's session; the rest of it is personal, or a secret.
AT_STRIPE = (
    "id",
    "status",
    "payment_status",
    "payment_intent",
    "payment_intent_status",
    "currency",
    "amount_subtotal",
    "amount_discount",
    "amount_tax",
    "amount_total",
    "quantity",
    "livemode",
    "created_at",
    "charged_at",
    "expires_at",
    "has_returns",
)


@dataclass(kw_only=True)
class Case:
    """Everything known of what was asked about."""

    asked: str
    purchase: Purchase | None = None
    session_id: str = ""
    truth: StripeSession | None = None
    stripe_error: str = ""
    is_unknown_at_stripe: bool = False
    events: list[StripeEvent] = field(default_factory=list)
    lines: list[PurchaseLine] = field(default_factory=list)
    others: list[Purchase] = field(default_factory=list)
    verdict: str = ""

    @property
    def is_ours_at_stripe(self) -> bool:
        """Whether Stripe's session names a purchase of this shop."""
        return self.truth is not None and signed_metadata.purchase_id(self.truth.metadata) is not None

    @property
    def is_off(self) -> bool:
        """Whether it is unknown, or our books, Stripe and the ledger do not agree."""
        if self.purchase is None or self.purchase.status == Status.REVIEW:
            return True
        is_paid = self.truth.is_paid if self.truth else None
        if self.purchase.status != Status.CREDITED:
            return is_paid is True
        return is_paid is False or self.is_unknown_at_stripe or not self.lines


def diagnose(asked: str) -> Case:
    """Look at everything that `asked` (cs_..., pi_..., a purchase's or session's uuid, an e-mail) leads to."""
    case = Case(asked=asked.strip())
    _find(case)
    if case.purchase is not None:
        case.session_id = case.purchase.stripe_session_id or case.session_id
    if case.session_id and not case.is_unknown_at_stripe:
        _ask_stripe(case)
    if case.purchase is None and case.truth is not None:
        named = signed_metadata.purchase_id(case.truth.metadata)
        case.purchase = Purchase.objects.filter(uuid=named).first() if named else None
    names = [case.session_id, case.truth.payment_intent if case.truth else None]
    if case.purchase is not None:
        names.append(case.purchase.payment_intent)
    events = StripeEvent.objects.filter(object_id__in=[name for name in names if name]).defer("payload")
    case.events = list(events.order_by("received_at"))
    case.lines = lines_of(case.session_id) if case.session_id else []
    case.verdict = verdicts.verdict(case)
    return case


def answer(case: Case) -> dict[str, Any]:
    """The case as JSON. No personal data: no e-mail, no name."""
    return {
        "verdict": case.verdict,
        "purchase": _purchase(case.purchase) if case.purchase else None,
        "checkout_session": _checkout_session(case.purchase),
        "stripe": _stripe(case),
        "events": [_event(event) for event in case.events],
        "entries": [_plain(asdict(line)) for line in case.lines],
        "others": [_purchase(other) for other in case.others],
    }


def _find(case: Case) -> None:
    asked = case.asked
    if "@" in asked:
        _find_by_person(case)
    elif asked.startswith("cs_"):
        case.session_id = asked
        case.purchase = Purchase.objects.filter(stripe_session_id=asked).first()
    elif asked.startswith("pi_"):
        case.purchase = Purchase.objects.filter(payment_intent=asked).first()
        if case.purchase is None:
            _find_by_intent(case)
    elif (number := _uuid(asked)) is not None:
        about = Purchase.objects.filter(Q(uuid=number) | Q(checkout_session=number)).order_by("pk")
        _choose(case, list(about[:MOST_OTHERS]))


def _find_by_person(case: Case) -> None:
    people = get_user_model()._default_manager.filter(email__iexact=case.asked)
    mine = Purchase.objects.filter(owner__in=people).order_by("-pk")
    _choose(case, list(mine[:MOST_OTHERS])[::-1])


def _find_by_intent(case: Case) -> None:
    try:
        found = stripe_gateway.sessions_of_payment_intent(case.asked)
    except StripeRefused as error:
        case.is_unknown_at_stripe = True
        case.stripe_error = str(error)
    except StripeUnavailable as error:
        case.stripe_error = str(error)
    else:
        case.session_id = found[0].id if found else ""
        case.is_unknown_at_stripe = not found
        case.purchase = Purchase.objects.filter(stripe_session_id=case.session_id).first() if found else None


def _choose(case: Case, found: list[Purchase]) -> None:
    """The newest that is in trouble, else the newest."""
    troubled = [purchase for purchase in found if purchase.status in TROUBLED]
    chosen = troubled or found
    case.purchase = chosen[-1] if chosen else None
    case.others = [purchase for purchase in found if purchase != case.purchase]


def _ask_stripe(case: Case) -> None:
    try:
        case.truth = stripe_gateway.retrieve_session(case.session_id)
    except UnknownAtStripe:
        case.is_unknown_at_stripe = True
    except (StripeUnavailable, StripeRefused) as error:
        case.stripe_error = str(error)


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def _purchase(purchase: Purchase) -> dict[str, Any]:
    names = (
        "uuid",
        "reference",
        "status",
        "reason",
        "credited_via",
        "owner_id",
        "opened_by_id",
        "tier_slug",
        "credits",
        "bonus_credits",
        "price_minor",
        "currency",
        "amount_total",
        "stripe_session_id",
        "payment_intent",
        "is_late",
        "is_duplicate",
        "checks",
        "next_check_at",
        "created_at",
        "paid_at",
        "credited_at",
        "refunded_minor",
        "disputed_minor",
        "credits_taken",
    )
    return _plain({name: getattr(purchase, name) for name in names})


def _checkout_session(purchase: Purchase | None) -> dict[str, Any] | None:
    session: CheckoutSession | None = purchase.checkout_session if purchase else None
    if session is None:
        return None
    names = ("id", "status", "end_reason", "tier_slug", "created_at", "expires_at", "completed_at")
    return _plain({name: getattr(session, name) for name in names})


def _stripe(case: Case) -> dict[str, Any]:
    known = _plain({name: getattr(case.truth, name) for name in AT_STRIPE}) if case.truth else {}
    return {"is_known": case.truth is not None, "error": case.stripe_error, **known}


def _event(event: StripeEvent) -> dict[str, Any]:
    names = ("event_id", "type", "state", "attempts", "error", "happened_at", "delivered_at", "handled_at")
    return _plain({name: getattr(event, name) for name in names})


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value.isoformat()
        if isinstance(value, datetime)
        else str(value)
        if isinstance(value, uuid.UUID)
        else value
        for name, value in values.items()
    }
