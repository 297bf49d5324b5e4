"""The runtime role's rights, given by the owner after every migration."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError

from config.owner import owner_connection, unreachable
from credits.hardening import NoSuchRole, NotMigrated, RoleOwnsTables, harden, ledger_tables


class Command(BaseCommand):
    """Give ROLE what it needs: everything with other tables, of the ledger only sight and its verbs."""

    help = (
        "Give the runtime role exactly what it needs in this database. Repeatable; run it after each migrate."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("role", help="the role of DATABASE_URL")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with owner_connection():
                harden(options["role"])
        except OperationalError as error:
            raise CommandError(unreachable(error)) from None
        except RoleOwnsTables:
            raise CommandError(
                f"{options['role']!r} owns the tables, so nothing can be kept from it. Let the owner migrate"
                " (MIGRATE_DATABASE_URL) and another role run the site (DATABASE_URL): ROLE is that one."
            ) from None
        except NoSuchRole:
            raise CommandError(
                f"There is no role {options['role']!r} on this server: make it first."
            ) from None
        except NotMigrated:
            raise CommandError("This database is not migrated: run `manage.py migrate` first.") from None
        if options["json"]:
            self.stdout.write(json.dumps({"role": options["role"], "ledger_tables": ledger_tables()}))
        else:
            self.stdout.write(
                f"{options['role']} may read the ledger and call its verbs, and use the other tables."
            )
