"""A clock of the tests' own for the ledger: it stands still until it is told to go on.

The verbs read the database's clock, `clock_timestamp()`, by a fixed path that begins with the system's schema. Here a
function of that name stands in `public`, and the path of every verb, and of this connection, begins there.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import psycopg
from django.db import connection

START = datetime(2040, 1, 1, tzinfo=UTC)

_NAMES = ("clock_timestamp", "statement_timestamp")
_PINNED = """
select oid::regprocedure::text, substring(setting from '=(.*)')
from pg_proc cross join unnest(proconfig) as setting
where pronamespace = 'public'::regnamespace and proname like 'credits%' and setting like 'search_path=%'
"""


class Clock:
    """What time it is for the ledger, on this connection. `pass_(hours=1)` lets an hour go by."""

    def __init__(self) -> None:
        self.now = START
        self._tell()

    def pass_(self, **length: float) -> datetime:
        self.now += timedelta(**length)
        self._tell()
        return self.now

    def _tell(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("select set_config('tests.now', %s, false)", [self.now.isoformat()])


@contextmanager
def standing_clock(owner: psycopg.Connection) -> Iterator[Clock]:
    """The ledger on a Clock, for this connection, until the end of the block."""
    pinned = owner.execute(_PINNED).fetchall()
    for name in _NAMES:
        owner.execute(
            f"create function public.{name}() returns timestamptz language sql stable"
            " return pg_catalog.current_setting('tests.now')::timestamptz"
        )
    for function, path in pinned:
        owner.execute(f"alter function {function} set search_path = public, {path}")
    with connection.cursor() as cursor:
        # A transaction hears of changed functions when it locks a table that it had not locked before.
        cursor.execute("select from pg_catalog.pg_language")
        cursor.execute("set search_path = public, pg_catalog")
    try:
        yield Clock()
    finally:
        for function, path in pinned:
            owner.execute(f"alter function {function} set search_path = {path}")
        for name in _NAMES:
            owner.execute(f"drop function public.{name}()")
        with connection.cursor() as cursor:
            cursor.execute("reset search_path")
