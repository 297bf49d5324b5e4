"""Long lists of Stripe's, page by page: Checkout Sessions, events, refunds and disputes."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Generic, TypeVar

from purchases.errors import StripeUnavailable, UnreadableAnswer
from purchases.storable import cleaned
from purchases.stripe_gateway import client as stripe_client
from purchases.stripe_gateway import reading
from purchases.stripe_gateway.client import stripe_errors
from purchases.stripe_gateway.reading import field
from purchases.stripe_gateway.sessions import StripeSession, read_session

PAGE = 100
# A list is long: one page that does not come is asked for again after so many seconds.
PAUSES = (0.5, 2.0)

Thing = TypeVar("Thing")


@dataclass(frozen=True, kw_only=True)
class Unread:
    """One of a list that could not be read, and was passed by. `id` is empty where it had none."""

    id: str
    why: str


@dataclass(frozen=True, kw_only=True)
class Page(Generic[Thing]):
    """A page of a list."""

    things: list[Thing]
    unread: list[Unread]


def sessions_created(*, from_at: datetime, to_at: datetime) -> Iterator[Page[StripeSession]]:
    """Pages of the Checkout Sessions that were created in the window, however old; expansions are not asked for."""
    window = {"gte": int(from_at.timestamp()), "lt": int(to_at.timestamp())}
    for page in _pages(stripe_client.client().v1.checkout.sessions.list, {"created": window}, read_session):
        # A stand-in for Stripe may give everything, whatever was asked for.
        within = [found for found in page.things if _is_within(found.created_at, from_at, to_at)]
        yield Page(things=within, unread=page.unread)


def events_since(since: datetime, *, types: Sequence[str]) -> Iterator[Page[dict[str, Any]]]:
    """Pages of Stripe's events since then, newest first, as plain JSON. Stripe keeps events for 30 days."""
    params = {"created": {"gte": int(since.timestamp())}, "types": list(types)}
    return _pages(stripe_client.client().v1.events.list, params, _event)


@dataclass(frozen=True, kw_only=True)
class Return:
    """A refund or a dispute in a list: enough to see whether it is booked."""

    kind: str
    id: str
    payment_intent: str
    status: str
    amount_minor: int
    created_at: datetime | None


def returns_created(*, from_at: datetime, to_at: datetime) -> Iterator[Page[Return]]:
    """Pages of the refunds, then of the disputes, that were made in the window."""
    window = {"gte": int(from_at.timestamp()), "lt": int(to_at.timestamp())}
    calls = stripe_client.client().v1
    for kind, listed in (("refund", calls.refunds.list), ("dispute", calls.disputes.list)):
        for page in _pages(listed, {"created": window}, partial(_return, kind)):
            within = [made for made in page.things if _is_within(made.created_at, from_at, to_at)]
            yield Page(things=within, unread=page.unread)


def _event(event: Any) -> dict[str, Any]:
    reading.required(event, "type")
    plain: dict[str, Any] = cleaned(event.to_dict(for_json=True))
    return plain


def _return(kind: str, made: Any) -> Return:
    return Return(
        kind=kind,
        id=reading.required(made, "id"),
        payment_intent=reading.id_of(made, "payment_intent"),
        status=reading.text(made, "status"),
        amount_minor=reading.required_amount(made, "amount"),
        created_at=reading.moment(made, "created"),
    )


def _is_within(created_at: datetime | None, from_at: datetime, to_at: datetime) -> bool:
    return created_at is None or from_at <= created_at < to_at


def _pages(
    listed: Callable[[Any], Any], params: dict[str, Any], read: Callable[[Any], Thing]
) -> Iterator[Page[Thing]]:
    """Walk a list to its end."""
    before: set[str] = set()
    after: dict[str, str] = {}
    while True:
        answer = _page(listed, {**params, **after, "limit": PAGE})
        with stripe_errors():
            page = [(name, thing) for thing in answer.data if (name := reading.name_of(thing)) not in before]
            has_more = bool(field(answer, "has_more"))
        names = [name for name, _thing in page if name]
        if page and not names:
            raise UnreadableAnswer("a list of things without an id")
        if page:
            yield _read(page, read)
        if not (page and has_more):
            return
        before, after = set(names), {"starting_after": names[-1]}


def _page(listed: Callable[[Any], Any], params: dict[str, Any]) -> Any:
    for pause in PAUSES:
        try:
            with stripe_errors():
                return listed(params)
        except StripeUnavailable:
            time.sleep(pause)
    with stripe_errors():
        return listed(params)


def _read(page: list[tuple[str, Any]], read: Callable[[Any], Thing]) -> Page[Thing]:
    """One that cannot be read does not stop the others."""
    things, unread = [], []
    for name, thing in page:
        try:
            with stripe_errors():
                reading.required(thing, "id")
                things.append(read(thing))
        except UnreadableAnswer as error:
            unread.append(Unread(id=name, why=str(error)))
    return Page(things=things, unread=unread)
