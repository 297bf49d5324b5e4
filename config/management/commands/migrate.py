"""`migrate` as the owner role (MIGRATE_DATABASE_URL)."""

from typing import Any

from django.core.management.commands import migrate

from config.owner import owner_connection


class Command(migrate.Command):
    """Django's own command on the owner's connection; the runtime role has no right to change a table."""

    def handle(self, *args: Any, **options: Any) -> None:
        with owner_connection(options["database"]):
            super().handle(*args, **options)
