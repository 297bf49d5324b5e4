"""Long lists of Stripe's, page by page: Checkout Sessions, events, webhook endpoints."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from purchases.errors import StripeUnavailable
from purchases.stripe_gateway import client as stripe_client
from purchases.stripe_gateway.client import field, stripe_errors
from purchases.stripe_gateway.sessions import StripeSession, read_session

PAGE = 100
# A list is long: one page that does not come is asked for again after so many seconds.
PAUSES = (0.5, 2.0)


def sessions_created(*, from_at: datetime, to_at: datetime) -> Iterator[list[StripeSession]]:
    """Pages of the Checkout Sessions that were created in the window, however old; expansions are not asked for."""
    window = {"gte": int(from_at.timestamp()), "lt": int(to_at.timestamp())}
    for page in _pages(stripe_client.client().v1.checkout.sessions.list, {"created": window}):
        sessions = [read_session(session) for session in page]
        # A stand-in for Stripe may give everything, whatever was asked for.
        yield [found for found in sessions if not found.created_at or from_at <= found.created_at < to_at]


def events_since(since: datetime, *, types: Sequence[str]) -> Iterator[list[dict[str, Any]]]:
    """Pages of Stripe's events since then, newest first, as plain JSON. Stripe keeps events for 30 days."""
    params = {"created": {"gte": int(since.timestamp())}, "types": list(types)}
    for page in _pages(stripe_client.client().v1.events.list, params):
        with stripe_errors():
            events = [event.to_dict(for_json=True) for event in page]
        yield events


@dataclass(frozen=True, kw_only=True)
class Return:
    """A refund or a dispute in a list: enough to see whether it is booked."""

    kind: str
    id: str
    payment_intent: str
    status: str
    amount_minor: int


def returns_created(*, from_at: datetime, to_at: datetime) -> Iterator[list[Return]]:
    """Pages of the refunds, then of the disputes, that were made in the window."""
    window = {"gte": int(from_at.timestamp()), "lt": int(to_at.timestamp())}
    calls = stripe_client.client().v1
    for kind, listed in (("refund", calls.refunds.list), ("dispute", calls.disputes.list)):
        for page in _pages(listed, {"created": window}):
            with stripe_errors():
                returns = [_return(kind, made) for made in page if _is_within(made, from_at, to_at)]
            yield returns


def _return(kind: str, made: Any) -> Return:
    intent = field(made, "payment_intent")
    return Return(
        kind=kind,
        id=made.id,
        payment_intent=intent if isinstance(intent, str) else field(intent, "id") or "",
        status=str(field(made, "status") or ""),
        amount_minor=int(made.amount),
    )


def _is_within(made: Any, from_at: datetime, to_at: datetime) -> bool:
    created = field(made, "created")
    return not created or from_at.timestamp() <= created < to_at.timestamp()


def _pages(listed: Callable[[Any], Any], params: dict[str, Any]) -> Iterator[list[Any]]:
    """Walk a list to its end."""
    before: set[str] = set()
    after: dict[str, str] = {}
    while True:
        answer = _page(listed, {**params, **after, "limit": PAGE})
        with stripe_errors():
            page = [thing for thing in answer.data if thing.id not in before]
            has_more = bool(field(answer, "has_more"))
            before = {thing.id for thing in page}
        if page:
            yield page
        if not (page and has_more):
            return
        after = {"starting_after": page[-1].id}


def _page(listed: Callable[[Any], Any], params: dict[str, Any]) -> Any:
    for pause in PAUSES:
        try:
            with stripe_errors():
                return listed(params)
        except StripeUnavailable:
            time.sleep(pause)
    with stripe_errors():
        return listed(params)
