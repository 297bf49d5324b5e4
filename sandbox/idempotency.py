"""Idempotency keys: one execution, its answer replayed; other parameters, or two at once, are refused."""

import hashlib
import json
from dataclasses import dataclass

from sandbox.errors import Refusal
from sandbox.store import Json
from sandbox.world import World

KEPT_SECONDS = 24 * 3600
LONGEST_KEY = 255


@dataclass(frozen=True, kw_only=True)
class Kept:
    status: int
    content: Json


def fingerprint_of(pairs: list[tuple[str, str]]) -> str:
    return hashlib.sha256(json.dumps(sorted(pairs)).encode()).hexdigest()


def begin(world: World, key: str, *, call: str, fingerprint: str) -> Kept | None:
    """The answer to replay, or None when the caller is to act and then call `finish` or `forget`."""
    if len(key) > LONGEST_KEY:
        raise Refusal(f"Idempotency keys can be at most {LONGEST_KEY} characters long.")
    with world.store.transaction():
        world.store.write("delete from answer where created < ?", world.clock.exact() - KEPT_SECONDS)
        row = world.store.row("select * from answer where key = ?", key)
        if row is None:
            world.store.write(
                "insert into answer (key, call, fingerprint, created) values (?, ?, ?, ?)",
                key,
                call,
                fingerprint,
                world.clock.exact(),
            )
            return None
    if row["call"] != call:
        raise _mismatch(key, f"for the same endpoint they were first used for ('{call}' vs '{row['call']}')")
    if row["fingerprint"] != fingerprint:
        raise _mismatch(key, "with the same parameters they were first used with")
    if row["status"] is None:
        raise Refusal(
            "There is currently another in-progress request using this Idempotent Key (that probably means "
            "you submitted twice, and the other request is still going through): "
            f"{key}. Please try again later.",
            status=409,
            type="idempotency_error",
            code="idempotency_key_in_use",
        )
    return Kept(status=row["status"], content=json.loads(row["body"]))


def finish(world: World, key: str, *, status: int, content: Json) -> None:
    world.store.write(
        "update answer set status = ?, body = ? where key = ?", status, json.dumps(content), key
    )


def forget(world: World, key: str) -> None:
    """The call never got as far as its work: the key is free again."""
    world.store.write("delete from answer where key = ? and status is null", key)


def resume(world: World) -> None:
    """After a restart nothing is in flight."""
    world.store.write("delete from answer where status is null")


def _mismatch(key: str, said: str) -> Refusal:
    return Refusal(
        f"Keys for idempotent requests can only be used {said}. "
        f"Try using a key other than '{key}' if you meant to execute a different request.",
        type="idempotency_error",
    )
