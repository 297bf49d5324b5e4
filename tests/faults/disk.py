"""A disk that is full: every table of a house moved to a small file system, which is then filled up.

Needs root for the mount. Where that is refused, a trigger that raises PostgreSQL's own error for it stands in.
"""

import contextlib
import os
import pwd
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.faults.postgres import Postgres

_MEGABYTES = 64
_ROOM = "alter {} all in tablespace {} set tablespace {}"
_STAND_IN = """
create or replace function fault_disk_full() returns trigger language plpgsql as $$
begin
  raise exception 'could not extend file: No space left on device' using errcode = 'disk_full';
end
$$
"""


@contextlib.contextmanager
def full(postgres: Postgres, folder: Path) -> Iterator[str]:
    """No table of the house can grow. Yields how it was done: `disk`, or `stand-in`."""
    if _mounts(folder):
        try:
            with _small_disk(postgres, folder):
                yield "disk"
        finally:
            subprocess.run(["/bin/umount", "--lazy", str(folder)], check=False)
    else:
        with _stand_in(postgres):
            yield "stand-in"


def _mounts(folder: Path) -> bool:
    folder.mkdir(exist_ok=True)
    words = ["/bin/mount", "-t", "tmpfs", "-o", f"size={_MEGABYTES}m", "coffer-faults", str(folder)]
    return os.geteuid() == 0 and subprocess.run(words, check=False, capture_output=True).returncode == 0


@contextlib.contextmanager
def _small_disk(postgres: Postgres, folder: Path) -> Iterator[None]:
    space = folder / "space"
    space.mkdir()
    owner = pwd.getpwnam("pgserver")
    for path in (folder, space):
        os.chown(path, owner.pw_uid, owner.pw_gid)
    with postgres.outside() as connection:
        connection.execute("vacuum full")  # what other cases have deleted is room, too
        connection.execute(f"create tablespace small location '{space}'")
        _move(postgres, "pg_default", "small")
        filler = folder / "filler"
        try:
            with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
                while True:
                    file.write(bytes(8192))
            yield
        finally:
            filler.unlink()
            _move(postgres, "small", "pg_default")
            connection.execute("drop tablespace small")


def _move(postgres: Postgres, old: str, new: str) -> None:
    postgres.cut_connections()
    for kind in ("table", "index"):
        postgres.rows(_ROOM.format(kind, old, new))


@contextlib.contextmanager
def _stand_in(postgres: Postgres) -> Iterator[None]:
    with postgres.outside() as connection:
        connection.execute(_STAND_IN)
        made = "create trigger fault_disk_full before insert on {} execute function fault_disk_full()"
        tables = ("purchases_purchase", "checkout_checkoutsession", "credits_entry")
        for table in tables:
            connection.execute(made.format(table))
        try:
            yield
        finally:
            for table in tables:
                connection.execute(f"drop trigger fault_disk_full on {table}")
