"""`migrate` as the owner role (MIGRATE_DATABASE_URL), while traffic runs."""

import time
from typing import Any

from django.core.management.commands import migrate
from django.db import OperationalError
from psycopg.errors import LockNotAvailable

from config.owner import owner_connection

TRIES = 20
PAUSE_SECONDS = 2


class Command(migrate.Command):
    """Django's own command on the owner's connection; the runtime role has no right to change a table.

    A table that traffic holds is waited for a second at a time: all who come later queue behind the migration.
    """

    def handle(self, *args: Any, **options: Any) -> None:
        with owner_connection(options["database"]):
            for tries_left in reversed(range(TRIES)):
                try:
                    super().handle(*args, **options)
                except OperationalError as error:
                    if not isinstance(error.__cause__, LockNotAvailable) or not tries_left:
                        raise
                else:
                    return
                self.stdout.write(f"A table is in use; trying again ({tries_left} tries left) ...")
                time.sleep(PAUSE_SECONDS)
