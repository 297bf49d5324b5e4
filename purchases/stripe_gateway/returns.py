"""What went back after a payment: refunds, disputes, early fraud warnings; and making a refund."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

import stripe

from purchases.errors import KeyNotAllowed, StripeRefused, UnreadableAnswer
from purchases.stripe_gateway import client as stripe_client
from purchases.stripe_gateway import reading
from purchases.stripe_gateway.client import stripe_errors
from purchases.stripe_gateway.reading import field as _get
from purchases.stripe_gateway.reading import id_of

PAGE = 100
MOST_PAGES = 20


@dataclass(frozen=True, kw_only=True)
class StripeRefund:
    """A refund. `ours` is the uuid that we put into its metadata, where we made it."""

    id: str
    amount_minor: int
    status: str
    ours: str
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class StripeDispute:
    """A dispute or inquiry. `taken_minor`: funds withdrawn less reinstated; None where Stripe did not list them."""

    id: str
    amount_minor: int
    taken_minor: int | None
    status: str
    reason: str
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class StripeWarning:
    """An early fraud warning."""

    id: str
    fraud_type: str
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class Returns:
    """What went back of one payment. `refunded_minor` is the charge's own count; None where Stripe did not say.

    `has_every_refund`: Stripe listed them. `told` holds the ids that could not be retrieved: an event told of them,
    maybe an old one.
    """

    refunds: tuple[StripeRefund, ...] = ()
    has_every_refund: bool = True
    disputes: tuple[StripeDispute, ...] = ()
    warnings: tuple[StripeWarning, ...] = ()
    refunded_minor: int | None = None
    told: frozenset[str] = frozenset()


@stripe_errors()
def returns_of(
    payment_intent: str,
    *,
    known_refunds: Collection[str] = (),
    known_disputes: Collection[str] = (),
    told: Mapping[str, Any],
) -> Returns:
    """Ask what went back of a payment. Known are the ids in our books; `told` is the object of an event, or {}.

    Asks only for what the charge, our books or the event say exists. Where a list is not to be had, each object is
    asked for by its id, and what an event told of is believed last.
    Raises StripeUnavailable.
    """
    event = stripe.StripeObject.construct_from(dict(told), None)
    kind = _get(event, "object")
    charge = _charge(payment_intent) or (event if kind == "charge" and _is_readable(kind, event) else None)
    look = _Look(payment_intent, event)
    refunded, is_disputed = _went_back(charge)
    refunds = look.find("refund", known_refunds, is_wanted=charge is None or bool(refunded))
    disputes = look.find("dispute", known_disputes, is_wanted=charge is None or is_disputed)
    warnings = look.find("radar.early_fraud_warning", (), is_wanted=False)
    return Returns(
        refunds=tuple(refund for refund in map(_refund, refunds) if refund.amount_minor),
        has_every_refund="refund" not in look.unlisted,
        disputes=tuple(map(_dispute, disputes)),
        warnings=tuple(map(_warning, warnings)),
        refunded_minor=refunded,
        told=frozenset(look.unretrieved),
    )


def create_refund(payment_intent: str, *, amount_minor: int, ours: str, purchase: str) -> StripeRefund:
    """Refund a part of a payment, once for `ours`, which is the idempotency key and stands in the metadata.

    Raises StripeUnavailable (no definite answer: ask again) or StripeRefused (definite).
    """
    params: Any = {
        "payment_intent": payment_intent,
        "amount": amount_minor,
        "metadata": {"refund": ours, "purchase": purchase},
    }
    with stripe_errors(is_replayed=True):
        made = stripe_client.client().v1.refunds.create(params, {"idempotency_key": f"refund:{ours}"})
        return _refund(made)


def payment_intent_of_charge(charge: str) -> str:
    """The payment intent behind a charge; empty where there is none or Stripe does not know the charge."""
    try:
        with stripe_errors():
            return id_of(stripe_client.client().v1.charges.retrieve(charge), "payment_intent")
    except StripeRefused:
        return ""


class _Look:
    """One look for objects of a payment: by list, else one by one, else as the event told."""

    def __init__(self, payment_intent: str, event: Any) -> None:
        self.payment_intent, self.event = payment_intent, event
        self.unretrieved: set[str] = set()
        self.unlisted: set[str] = set()

    def find(self, kind: str, known: Collection[str], *, is_wanted: bool) -> list[Any]:
        told = reading.name_of(self.event) if _get(self.event, "object") == kind else ""
        if not (is_wanted or known or told):
            return []
        calls = _calls(kind)
        listed = _listed(calls, self.payment_intent)
        if listed is None:
            self.unlisted.add(kind)
        found = {reading.required(thing, "id"): thing for thing in listed or ()}
        for missing in {*known, told} - {"", *found}:
            thing = _tolerant(partial(calls.retrieve, missing))
            if thing is not None:
                found[missing] = thing
        if told and told not in found and _is_readable(kind, self.event):
            found[told] = self.event
            self.unretrieved.add(told)
        return list(found.values())


def _is_readable(kind: str, event: Any) -> bool:
    """Whether an event's object says what we would keep of it."""
    try:
        with stripe_errors():
            {"charge": _went_back, "refund": _refund, "dispute": _dispute}.get(kind, _warning)(event)
    except UnreadableAnswer:
        return False
    return True


def _calls(kind: str) -> Any:
    client = stripe_client.client().v1
    return {"refund": client.refunds, "dispute": client.disputes}.get(kind, client.radar.early_fraud_warnings)


def _listed(calls: Any, payment_intent: str) -> list[Any] | None:
    """Every object of the payment; None where there is no such list."""
    found: list[Any] = []
    params: dict[str, Any] = {"payment_intent": payment_intent, "limit": PAGE}
    for _page in range(MOST_PAGES):
        answer = _tolerant(partial(calls.list, params))
        if answer is None:
            return None
        things = list(_get(answer, "data") or [])
        # A double may ignore the filter: only this payment's objects count.
        found += [thing for thing in things if id_of(thing, "payment_intent") in ("", payment_intent)]
        if not things or not _get(answer, "has_more"):
            break
        params = {**params, "starting_after": reading.required(things[-1], "id")}
    return found


def _charge(payment_intent: str) -> Any:
    """The charge of a payment; None where it cannot be had."""
    intents = stripe_client.client().v1.payment_intents
    params: Any = {"expand": ["latest_charge"]}
    intent = _tolerant(partial(intents.retrieve, payment_intent, params))
    charge = _get(intent, "latest_charge")
    if isinstance(charge, str):
        return _tolerant(partial(stripe_client.client().v1.charges.retrieve, charge))
    return charge


def _tolerant(call: Callable[[], Any]) -> Any:
    """None where Stripe refuses: there is no such object, no such list, or our key may not see it."""
    try:
        with stripe_errors():
            return call()
    except (StripeRefused, KeyNotAllowed):
        return None


def _went_back(charge: Any) -> tuple[int | None, bool]:
    """How much of a charge was refunded, and whether any of it is disputed."""
    return reading.amount(charge, "amount_refunded"), reading.flag(charge, "disputed")


def _refund(refund: Any) -> StripeRefund:
    return StripeRefund(
        id=reading.required(refund, "id"),
        amount_minor=reading.required_amount(refund, "amount"),
        status=reading.text(refund, "status") or "pending",
        ours=reading.texts(refund, "metadata").get("refund", ""),
        created_at=_made_at(refund),
    )


def _dispute(dispute: Any) -> StripeDispute:
    return StripeDispute(
        id=reading.required(dispute, "id"),
        amount_minor=reading.required_amount(dispute, "amount"),
        taken_minor=_taken(dispute),
        status=reading.text(dispute, "status") or "unknown",
        reason=reading.text(dispute, "reason"),
        created_at=_made_at(dispute),
    )


def _taken(dispute: Any) -> int | None:
    """What the balance transactions say is gone; they are in the account's currency, which may not be the charge's."""
    moves = [move for move in _get(dispute, "balance_transactions") or [] if not isinstance(move, str)]
    if not moves:
        return None
    if all(move.currency == dispute.currency for move in moves):
        return max(0, -sum(reading.signed(move, "amount") or 0 for move in moves))
    last = sorted(moves, key=lambda move: reading.amount(move, "created") or 0)[-1]
    return reading.required_amount(dispute, "amount") if (reading.signed(last, "amount") or 0) < 0 else 0


def _warning(warning: Any) -> StripeWarning:
    return StripeWarning(
        id=reading.required(warning, "id"),
        fraud_type=reading.text(warning, "fraud_type"),
        created_at=_made_at(warning),
    )


def _made_at(thing: Any) -> datetime:
    return reading.moment(thing, "created") or datetime.fromtimestamp(0, UTC)
