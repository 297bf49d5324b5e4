"""Stripe's events: what happened, with the object as it was at that moment."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from sandbox import deliveries
from sandbox.errors import missing_object
from sandbox.identifiers import event_id
from sandbox.listing import page_of
from sandbox.store import Json
from sandbox.world import World

KEPT_SECONDS = 30 * 24 * 3600

_caused_by: ContextVar[Json | None] = ContextVar("caused_by", default=None)


@contextmanager
def caused_by_request(request_id: str, idempotency_key: str) -> Iterator[None]:
    """Events recorded inside name this API request as their cause."""
    token = _caused_by.set({"id": request_id, "idempotency_key": idempotency_key or None})
    try:
        yield
    finally:
        _caused_by.reset(token)


def record(world: World, type: str, content: Json, *, changed: Mapping[str, Any] | None = None) -> Json:
    """`changed` holds the former values of what an update changed."""
    data: Json = {"object": json.loads(json.dumps(content))}
    if changed is not None:
        data["previous_attributes"] = dict(changed)
    event = {
        "id": event_id(),
        "object": "event",
        "api_version": world.endpoint.api_version,
        "created": world.clock.now(),
        "data": data,
        "livemode": False,
        "pending_webhooks": 1 if world.endpoint.url else 0,
        "request": _caused_by.get() or {"id": None, "idempotency_key": None},
        "type": type,
    }
    world.store.insert(event)
    deliveries.enqueue(world, event)
    return event


def retrieve(world: World, identifier: str) -> Json:
    event = world.store.get("event", identifier)
    if event is None or event["created"] < world.clock.now() - KEPT_SECONDS:
        raise missing_object("event", identifier)
    return event


def page(world: World, params: Mapping[str, Any]) -> Json:
    where = "created >= ?"
    values: list[Any] = [world.clock.now() - KEPT_SECONDS]
    if "type" in params:
        where += " and type like ? escape '\\'"
        values.append(_pattern(params["type"]))
    if "types" in params:
        where += f" and type in ({', '.join('?' * len(params['types']))})"
        values.extend(params["types"])
    if "delivery_success" in params:
        arrived = "select event from delivery where state = 'delivered'"
        where += f" and id {'in' if params['delivery_success'] else 'not in'} ({arrived})"
    return page_of(world, "event", params, url="/v1/events", where=where, values=tuple(values))


def _pattern(type: str) -> str:
    """`charge.*` means every event of charges."""
    return type.replace("\\", "\\\\").replace("_", "\\_").replace("%", "\\%").replace("*", "%")
