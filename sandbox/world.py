"""What every part of the running sandbox shares: options, memory, clock, faults, a bell."""

import threading
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from sandbox.clock import Clock
from sandbox.faults import Faults
from sandbox.options import API_VERSION, Options
from sandbox.store import Json, Store

REQUESTS_REMEMBERED = 5000


@dataclass(frozen=True, kw_only=True)
class WebhookEndpoint:
    url: str
    secret: str
    api_version: str
    enabled_events: tuple[str, ...] = ("*",)


@dataclass(kw_only=True)
class World:
    options: Options
    store: Store
    clock: Clock
    faults: Faults
    endpoint: WebhookEndpoint
    bell: threading.Event = field(default_factory=threading.Event)
    requests: deque[Json] = field(default_factory=lambda: deque(maxlen=REQUESTS_REMEMBERED))

    def schedule(self, act: str, subject: str, due_at: float) -> None:
        self.store.write("insert into job (act, subject, due_at) values (?, ?, ?)", act, subject, due_at)
        self.bell.set()

    def setting(self, name: str, otherwise: Any = None) -> Any:
        return self.store.setting(name, otherwise)


def new_world(options: Options) -> World:
    store = Store(options.state)
    return World(
        options=options,
        store=store,
        clock=Clock(store),
        faults=Faults(store),
        endpoint=WebhookEndpoint(
            url=options.webhook_url, secret=options.webhook_secret, api_version=API_VERSION
        ),
    )
