"""Make an API client with its first key, or rotate the key of one."""

import json
from argparse import ArgumentParser
from datetime import datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from accounts import api_keys
from accounts.addresses import normalised
from accounts.api_keys import NewKey
from accounts.models import ApiClient, User

MOST_HOURS = 8760  # a year


class Command(BaseCommand):
    """Prints the key once: only its hash is kept."""

    help = "Create an API client and print its key, or rotate a client's key. The key is shown once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "name", help="what the client is called; with --rotate: the prefix of a key of its"
        )
        parser.add_argument("--scopes", help="of read, spend and grant, with commas")
        parser.add_argument("--expires", help="a date or a date and time, such as 2030-12-31")
        parser.add_argument("--owner", help="the e-mail address of the user who answers for it")
        parser.add_argument("--rotate", action="store_true", help="a new key for the client with this prefix")
        parser.add_argument(
            "--overlap-hours", type=float, default=24.0, help="how long the old keys go on (24)"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        made = _rotated(options) if options["rotate"] else _created(options)
        shown = {"key": made.key, "prefix": made.prefix, "scopes": made.client.scopes}
        if options["json"]:
            self.stdout.write(json.dumps(shown))
            return
        self.stdout.write(f"{made.key}\n")
        self.stderr.write(f"Keep it: it is not shown again. Scopes: {', '.join(made.client.scopes)}.")


def _created(options: dict[str, Any]) -> NewKey:
    scopes = [word.strip() for word in (options["scopes"] or "").split(",") if word.strip()]
    if not scopes or not set(scopes) <= set(api_keys.SCOPES):
        raise CommandError(f"--scopes wants some of {', '.join(api_keys.SCOPES)}, with commas between them.")
    if not options["name"].strip() or len(options["name"]) > 100:
        raise CommandError("A name has 1 to 100 characters.")
    return api_keys.create(
        name=options["name"].strip(),
        scopes=scopes,
        owner=_owner(options["owner"]),
        expires_at=_instant(options["expires"]),
    )


def _rotated(options: dict[str, Any]) -> NewKey:
    if ignored := [f"--{word}" for word in ("scopes", "expires", "owner") if options[word] is not None]:
        raise CommandError(
            f"--rotate changes nothing but the key, so it takes no {' and no '.join(ignored)}:"
            " what a client may do is set in the admin."
        )
    client = ApiClient.objects.filter(keys__prefix=options["name"], revoked_at__isnull=True).first()
    if client is None:
        raise CommandError(f"No client has a key with the prefix {options['name']}.")
    if not 0 <= options["overlap_hours"] <= MOST_HOURS:
        raise CommandError(f"--overlap-hours is 0 to {MOST_HOURS}.")
    return api_keys.rotate(client=client, overlap=timedelta(hours=options["overlap_hours"]))


def _owner(email: str | None) -> User | None:
    if email is None:
        return None
    owner = User.objects.filter(email=normalised(email)).first()
    if owner is None:
        raise CommandError("--owner: nobody signs in with that address.")
    return owner


def _instant(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        day = parse_date(text)
        moment = datetime(day.year, day.month, day.day) if day else parse_datetime(text)  # noqa: DTZ001
    except ValueError:
        moment = None
    if moment is None:
        raise CommandError("--expires wants a date or a date and time, such as 2030-12-31.")
    return moment if moment.tzinfo else timezone.make_aware(moment)
