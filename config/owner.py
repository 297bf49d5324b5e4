"""The owner's connection: borrowed by `migrate`, which the runtime role may not do."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import OperationalError, connections


@contextmanager
def owner_connection(alias: str = "default") -> Iterator[None]:
    """Let `connections[alias]` speak as the role of MIGRATE_DATABASE_URL, in the same database, until the end.

    The database's name is kept (a test run renames it), and the settings' timeouts are lifted except for the
    lock timeout: a migration may take long, but must never queue traffic behind its lock.
    """
    connection = connections[alias]
    runtime = dict(connection.settings_dict)
    owner = {name: settings.MIGRATE_DATABASE.get(name, "") for name in ("USER", "PASSWORD", "HOST", "PORT")}
    options = {**settings.MIGRATE_DATABASE["OPTIONS"], "options": "-c lock_timeout=1000"}
    connection.close()
    connection.settings_dict.update(owner, OPTIONS=options)
    try:
        yield
    finally:
        connection.close()
        kept = {name: runtime[name] for name in ("USER", "PASSWORD", "HOST", "PORT", "OPTIONS")}
        connection.settings_dict.update(kept)


def unreachable(error: OperationalError) -> str:
    """What a command says where it cannot do its work without the database."""
    reason = str(error).strip().partition("\n")[0]
    return f"The database of DATABASE_URL and MIGRATE_DATABASE_URL does not answer: {reason}"
