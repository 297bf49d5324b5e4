"""Webhook deliveries: which event goes out, when, how often, how signed. Sending is in sending.py."""

import random
import time
from typing import Any

from sandbox.errors import Refusal
from sandbox.store import Json
from sandbox.world import World

MODES = ("normal", "off", "duplicate", "shuffled", "delayed", "wrong_signature", "stale_signature")
SIGNATURES = {"wrong_signature": "wrong", "stale_signature": "stale"}
RETRY_SECONDS = (1, 5, 30, 120, 600, 3600, 3 * 3600, 6 * 3600, 12 * 3600, 24 * 3600)
_SHUFFLE_SECONDS = 2.0
_SETTING = "delivery_mode"

# Order of delivery, not a secret: nothing hangs on how random this is.
_shuffler = random.Random()  # noqa: S311


def mode_of(world: World) -> Json:
    mode: Json = world.setting(_SETTING, {"mode": "normal", "seconds": 0})
    return mode


def set_mode(world: World, *, mode: str, seconds: float = 0, seed: int | None = None) -> Json:
    """`seconds`: how late (delayed), or within what span (shuffled). `seed` makes the shuffle repeatable."""
    if mode not in MODES:
        raise Refusal(f"Unknown delivery mode {mode!r}: one of {', '.join(MODES)}.")
    if seed is not None:
        _shuffler.seed(seed)
    chosen = {"mode": mode, "seconds": seconds}
    world.store.set(_SETTING, chosen)
    world.bell.set()
    return chosen


def enqueue(world: World, event: Json) -> None:
    wanted = world.endpoint.enabled_events
    if not world.endpoint.url or not ("*" in wanted or event["type"] in wanted):
        return
    chosen = mode_of(world)
    mode, now = chosen["mode"], world.clock.exact()
    due_at = now
    if mode == "delayed":
        due_at += chosen["seconds"]
    if mode == "shuffled":
        due_at += _shuffler.uniform(0, chosen["seconds"] or _SHUFFLE_SECONDS)
    state = "held" if mode == "off" else "waiting"
    for _ in range(2 if mode == "duplicate" else 1):
        _insert(world, event, state=state, due_at=due_at, signature=SIGNATURES.get(mode, "good"))


def find(world: World, seq: int) -> Json:
    row = world.store.row("select * from delivery where seq = ?", seq)
    if row is None:
        raise Refusal(f"No such delivery: {seq}", status=404)
    return dict(row)


def latest(world: World, limit: int = 50, *, event: str = "", type: str = "", state: str = "") -> list[Json]:
    """Newest first."""
    wanted = {"event": event, "type": type, "state": state}
    given = {name: value for name, value in wanted.items() if value}
    where = "".join(f" and {name} = ?" for name in given)
    rows = world.store.rows(
        f"select * from delivery where 1{where} order by seq desc limit ?", *given.values(), limit
    )
    return [dict(row) for row in rows]


def deliver_now(world: World, seq: int, *, signature: str = "good") -> None:
    _plan(world, seq, state="waiting", due_at=world.clock.exact(), signature=signature)


def deliver_later(world: World, seq: int, *, seconds: float) -> None:
    _plan(world, seq, state="waiting", due_at=world.clock.exact() + seconds)


def deliver_never(world: World, seq: int) -> None:
    _plan(world, seq, state="held", due_at=None)


def deliver_twice(world: World, seq: int) -> None:
    deliver_now(world, seq)
    event = world.store.known("event", find(world, seq)["event"])
    _insert(world, event, state="waiting", due_at=world.clock.exact(), signature="good")


def deliver_out_of_order(world: World, seq: int) -> None:
    """Everything about the same payment, again, the last first, half a second apart."""
    subject = find(world, seq)["subject"]
    rows = world.store.rows("select seq from delivery where subject = ? order by seq desc", subject)
    for number, row in enumerate(rows):
        deliver_later(world, row["seq"], seconds=number * 0.5)


def deliver_held(world: World) -> int:
    """Everything held back goes out now; how many."""
    count = world.store.write(
        "update delivery set state = 'waiting', due_at = ?, signature = 'good' where state = 'held'",
        world.clock.exact(),
    )
    world.bell.set()
    return count


def act(world: World, seq: int, verb: str, *, seconds: float = 60) -> None:
    """The panel's buttons and the control API's verbs, by name."""
    match verb:
        case "now":
            deliver_now(world, seq)
        case "later":
            deliver_later(world, seq, seconds=seconds)
        case "never":
            deliver_never(world, seq)
        case "twice":
            deliver_twice(world, seq)
        case "out_of_order":
            deliver_out_of_order(world, seq)
        case "wrong_signature":
            deliver_now(world, seq, signature="wrong")
        case "stale_signature":
            deliver_now(world, seq, signature="stale")
        case _:
            raise Refusal(f"Unknown way to deliver: {verb!r}.")


def claim_due(world: World, limit: int) -> list[Json]:
    """Marks them as being sent. Nothing while deliveries are off."""
    if mode_of(world)["mode"] == "off":
        return []
    with world.store.transaction():
        rows = world.store.rows(
            "select * from delivery where state = 'waiting' and due_at <= ? order by due_at, seq limit ?",
            world.clock.exact(),
            limit,
        )
        for row in rows:
            world.store.write("update delivery set state = 'sending' where seq = ?", row["seq"])
    return [dict(row) for row in rows]


def note_attempt(world: World, delivery: Json, *, status: int | None, error: str) -> None:
    """2xx ends it; anything else is tried again until the steps of RETRY_SECONDS are used up."""
    attempts = delivery["attempts"] + 1
    arrived = status is not None and 200 <= status < 300
    given_up = attempts > len(RETRY_SECONDS)
    now = world.clock.exact()
    due_at = None if arrived or given_up else now + RETRY_SECONDS[attempts - 1]
    state = "delivered" if arrived else "failed" if given_up else "waiting"
    with world.store.transaction():
        # A button may have been pressed while it was under way: its plan stands, the count still rises.
        world.store.write(
            "update delivery set state = case state when 'sending' then ? else state end, "
            "due_at = case state when 'sending' then ? else due_at end, "
            "attempts = ?, last_at = ?, last_status = ?, last_error = ? where seq = ?",
            state,
            due_at,
            attempts,
            now,
            status,
            error,
            delivery["seq"],
        )
    world.bell.set()


def next_due_at(world: World) -> float | None:
    if mode_of(world)["mode"] == "off":
        return None
    row = world.store.row("select min(due_at) as due_at from delivery where state = 'waiting'")
    return None if row is None else row["due_at"]


def let_arrive(world: World, *, within: float) -> None:
    """Holds back what waits, and gives what is being sent so many seconds to end."""
    world.store.write("update delivery set state = 'held' where state = 'waiting'")
    deadline = time.monotonic() + within
    while world.store.row("select 1 from delivery where state = 'sending'") and time.monotonic() < deadline:
        time.sleep(0.01)


def resume(world: World) -> None:
    """After a restart: what was on its way when the process died is due again."""
    world.store.write("update delivery set state = 'waiting' where state = 'sending'")


def _plan(world: World, seq: int, *, state: str, due_at: float | None, signature: str = "good") -> None:
    find(world, seq)
    world.store.write(
        "update delivery set state = ?, due_at = ?, signature = ? where seq = ?",
        state,
        due_at,
        signature,
        seq,
    )
    world.bell.set()


def _insert(world: World, event: Json, *, state: str, due_at: float, signature: str) -> None:
    content: dict[str, Any] = event["data"]["object"]
    world.store.write(
        "insert into delivery (event, subject, type, state, due_at, signature, created) "
        "values (?, ?, ?, ?, ?, ?, ?)",
        event["id"],
        content.get("payment_intent") or content["id"],
        event["type"],
        state,
        due_at,
        signature,
        world.clock.exact(),
    )
    world.bell.set()
