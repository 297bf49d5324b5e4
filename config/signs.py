"""Signs of life: whether the broker answers, when the beat last ran, what has waited too long."""

import threading
import time
from dataclasses import dataclass
from datetime import datetime

from checkout.locks import database_now
from config.celery import app
from config.models import Heartbeat
from purchases import metrics

BEAT_LATE_SECONDS = 180
OVERDUE_SECONDS = 300  # ten passes of the sweep
ASK_BROKER_EVERY = 10  # seconds: a probe must not wait for a hung broker each time

_broker: tuple[float, str] = (0.0, "")
_asks = threading.Lock()


@dataclass(frozen=True, kw_only=True)
class Signs:
    """Ages in seconds; None where there is none."""

    last_beat: int | None
    oldest_unsettled_purchase: int | None
    oldest_unhandled_event: int | None


def signs() -> Signs:
    """Read the ages, by the database's clock."""
    now = database_now()
    waiting = metrics.waiting()
    beaten_at = Heartbeat.objects.filter(name="beat").values_list("beaten_at", flat=True).first()
    return Signs(
        last_beat=_age(beaten_at, now),
        oldest_unsettled_purchase=_age(waiting.purchase_due_since, now),
        oldest_unhandled_event=_age(waiting.event_received_at, now),
    )


def broker_state() -> str:
    """`ok` or `unreachable`, as of the last ten seconds. Of all threads one waits for a hung broker, two seconds."""
    global _broker
    asked_at, state = _broker
    if state and time.monotonic() - asked_at <= ASK_BROKER_EVERY:
        return state
    if not _asks.acquire(blocking=False):
        return state or "unreachable"
    try:
        state = _ask_broker()
        _broker = (time.monotonic(), state)
    finally:
        _asks.release()
    return state


def _ask_broker() -> str:
    try:
        # Our application's connection: its sockets have time limits, without which Redis would be waited for.
        with app.connection_for_write(connect_timeout=2) as connection:
            connection.ensure_connection(max_retries=1, interval_start=0, timeout=2)
    except Exception:  # each broker's library raises what it likes, also for an address that it cannot read
        return "unreachable"
    return "ok"


def _age(moment: datetime | None, now: datetime) -> int | None:
    return max(0, int((now - moment).total_seconds())) if moment else None
