"""Many at once: each in a thread and a connection of its own, let go together."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg

from tests.together import together

Outcome = object

# Where a verb has seen all that it asks before it writes.
LAST_LOOK = r"perform credits_refuse_ended\(.*\);|return credits_spend_lots\(.*\);\s*end if;"
# Lets two calls meet: each waits until the other has come here too.
MEET = (
    "perform pg_advisory_xact_lock_shared(71025);"
    "while (select count(*) from pg_locks where locktype = 'advisory' and objid = 71025"
    " and database = (select oid from pg_database where datname = current_database())) < 2"
    " loop perform pg_sleep(0.01); end loop;"
)


def race(act: Callable[[int], Outcome], *, count: int) -> list[Outcome]:
    """Return what `act(0)` .. `act(count - 1)` returned or raised."""
    return together(*(lambda number=number: act(number) for number in range(count)))


@contextmanager
def without_account_lock(owner: psycopg.Connection, *functions: str) -> Iterator[None]:
    """The ledger as it would be if these functions read the account without locking it: the twin of a race test."""

    def unlocked(source: str) -> str:
        # All have looked for their key, or whether the hold has ended, and none has written yet when they meet.
        free = source.replace(" for no key update", "")
        return re.sub(LAST_LOOK, r"\g<0> perform pg_sleep(1);", free)

    with replaced(owner, dict.fromkeys(functions or ("credits_spend",), unlocked)):
        yield


@contextmanager
def replaced(owner: psycopg.Connection, changes: dict[str, Callable[[str], str]]) -> Iterator[None]:
    """Functions of the ledger with another text until the end of the block. A change must change something."""
    kept = {}
    try:
        for name, change in changes.items():
            ((kept[name],),) = owner.execute("select pg_get_functiondef(%s::regproc)", [name]).fetchall()
            assert change(kept[name]) != kept[name], f"{name} has no such guard any more"
            owner.execute(change(kept[name]))
        yield
    finally:
        for source in kept.values():
            owner.execute(source)
