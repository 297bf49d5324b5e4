"""Everything the sandbox remembers, in one SQLite database: Stripe's objects, jobs, deliveries, answers."""

import json
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]

_TABLES = """
create table if not exists object (
    seq integer primary key autoincrement, id text not null unique, kind text not null,
    created integer not null, status text, payment_intent text, charge text, customer text,
    email text, type text, code text,
    data text not null, hidden text not null default '{}'
);
create index if not exists object_kind on object (kind, seq);
create index if not exists object_type on object (kind, type, seq);
create index if not exists object_intent on object (payment_intent, kind, seq);
create index if not exists object_charge on object (charge, kind, seq);
create table if not exists setting (name text primary key, value text not null);
create table if not exists job (
    seq integer primary key autoincrement, act text not null, subject text not null, due_at real not null
);
create index if not exists job_due on job (due_at);
create table if not exists answer (
    key text primary key, call text not null, fingerprint text not null, created real not null,
    status integer, body text
);
create index if not exists answer_created on answer (created);
create table if not exists delivery (
    seq integer primary key autoincrement, event text not null, subject text not null,
    type text not null, state text not null, due_at real, attempts integer not null default 0,
    signature text not null default 'good',
    created real not null, last_at real, last_status integer, last_error text not null default ''
);
create index if not exists delivery_due on delivery (state, due_at);
create index if not exists delivery_subject on delivery (subject, seq);
"""

_COLUMNS = ("status", "payment_intent", "charge", "customer", "email", "type", "code")


class Store:
    """One connection behind one lock: a transaction is alone, and reads inside it see its own writes."""

    def __init__(self, path: str) -> None:
        self._lock = threading.RLock()
        self._depth = 0
        if path:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        self._connection = sqlite3.connect(path or ":memory:", check_same_thread=False, isolation_level=None)
        self._connection.row_factory = sqlite3.Row
        # A killed process loses nothing this way; only a crashed machine could, and nobody minds here.
        self._connection.executescript("pragma journal_mode = wal; pragma synchronous = off;" + _TABLES)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        with self._lock:
            outermost = self._depth == 0
            if outermost:
                self._connection.execute("begin")
            self._depth += 1
            try:
                yield
            except BaseException:
                if outermost:
                    self._connection.execute("rollback")
                raise
            else:
                if outermost:
                    self._connection.execute("commit")
            finally:
                self._depth -= 1

    def rows(self, statement: str, *values: Any) -> list[sqlite3.Row]:
        with self._lock:
            return self._connection.execute(statement, values).fetchall()

    def row(self, statement: str, *values: Any) -> sqlite3.Row | None:
        found = self.rows(statement, *values)
        return found[0] if found else None

    def write(self, statement: str, *values: Any) -> int:
        """How many rows it touched."""
        with self._lock:
            return self._connection.execute(statement, values).rowcount

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def clear(self) -> None:
        with self.transaction():
            for table in ("object", "setting", "job", "answer", "delivery"):
                self.write(f"delete from {table}")

    # Stripe's objects

    def insert(self, content: Json, hidden: Mapping[str, Any] | None = None) -> Json:
        self.write(
            f"insert into object (id, kind, created, data, hidden, {', '.join(_COLUMNS)}) "
            f"values (?, ?, ?, ?, ?, {', '.join('?' * len(_COLUMNS))})",
            content["id"],
            content["object"],
            content.get("created", 0),
            json.dumps(content),
            json.dumps(hidden or {}),
            *_searchable(content),
        )
        return content

    def save(self, content: Json) -> Json:
        self.write(
            f"update object set data = ?, {', '.join(f'{column} = ?' for column in _COLUMNS)} where id = ?",
            json.dumps(content),
            *_searchable(content),
            content["id"],
        )
        return content

    def get(self, kind: str, identifier: str) -> Json | None:
        row = self.row("select data from object where id = ? and kind = ?", identifier, kind)
        return None if row is None else json.loads(row["data"])

    def known(self, kind: str, identifier: str) -> Json:
        """One that another object names, so that it is there."""
        found = self.get(kind, identifier)
        if found is None:
            raise LookupError(f"{kind} {identifier} is gone")
        return found

    def anything(self, identifier: str) -> Json | None:
        row = self.row("select data from object where id = ?", identifier)
        return None if row is None else json.loads(row["data"])

    def delete(self, identifier: str) -> bool:
        return self.write("delete from object where id = ?", identifier) > 0

    def hidden(self, identifier: str) -> Json:
        """What Stripe knows about the object and does not show."""
        row = self.row("select hidden from object where id = ?", identifier)
        return {} if row is None else json.loads(row["hidden"])

    def save_hidden(self, identifier: str, hidden: Mapping[str, Any]) -> None:
        self.write("update object set hidden = ? where id = ?", json.dumps(hidden), identifier)

    def position(self, kind: str, identifier: str) -> int | None:
        row = self.row("select seq from object where id = ? and kind = ?", identifier, kind)
        return None if row is None else int(row["seq"])

    def find(
        self, kind: str, *, where: str = "1", values: tuple[Any, ...] = (), limit: int = 100
    ) -> list[Json]:
        """Newest first."""
        rows = self.rows(
            f"select data from object where kind = ? and {where} order by seq desc limit ?",
            kind,
            *values,
            limit,
        )
        return self.decoded(rows)

    def decoded(self, rows: list[sqlite3.Row]) -> list[Json]:
        return [json.loads(row["data"]) for row in rows]

    # Settings

    def setting(self, name: str, otherwise: Any = None) -> Any:
        row = self.row("select value from setting where name = ?", name)
        return otherwise if row is None else json.loads(row["value"])

    def set(self, name: str, value: Any) -> None:
        self.write("insert or replace into setting (name, value) values (?, ?)", name, json.dumps(value))


def _searchable(content: Json) -> list[Any]:
    values = {column: content.get(column) for column in _COLUMNS}
    if content["object"] == "checkout.session":
        values["email"] = (content.get("customer_details") or {}).get("email")
    # An expanded field never gets here; a list or an object under one of these names is not searched by.
    return [value if isinstance(value, str) else None for value in values.values()]
