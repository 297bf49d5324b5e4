"""Give many people the same credits: a campaign."""

import sys
from argparse import ArgumentParser, ArgumentTypeError
from datetime import datetime
from pathlib import Path
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import CommandError
from django.utils import timezone

from purchases import operators
from purchases.management.operating import OperatorCommand, operator_named
from purchases.models import OperatorAction
from purchases.operators import Deed


class Command(OperatorCommand):
    """Show how many people and credits it would be; with --yes, give them."""

    help = (
        "Give many people the same promotional or bonus credits, each once for a campaign's name: what was broken "
        "off is finished by calling it again. Without --yes it shows what would happen."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("amount", type=int, help="how many each gets")
        words = "up to 100 characters; people see it in their statement"
        parser.add_argument("--campaign", required=True, type=_name, metavar="NAME", help=words)
        people = parser.add_mutually_exclusive_group(required=True)
        people.add_argument(
            "--everyone", action="store_true", help="everybody active who has an e-mail address"
        )
        words = "a file, or - for the input: an e-mail address or a user's number in each line"
        people.add_argument("--to", type=_lines, metavar="FILE", help=words)
        parser.add_argument("--kind", choices=["promo", "bonus"], default="promo")
        parser.add_argument(
            "--expires",
            dest="expires_at",
            type=_instant,
            metavar="WHEN",
            help="2027-01-31, or 2027-01-31T12:00+01:00",
        )
        super().add_arguments(parser)

    def foresee(self, options: dict[str, Any]) -> dict[str, Any]:
        people = options["people"] = _everyone() if options["everyone"] else _named(options["to"])
        by = operator_named(options["operator"])
        had_it = operators.foresee_gifts(people, **_terms(options), by=by)
        amount, getting_it = options["amount"], len(people) - had_it
        return {"people": len(people), "had_it": had_it, "amount": amount, "in_all": getting_it * amount}

    def act(self, options: dict[str, Any], deed: Deed) -> OperatorAction:
        return operators.give_each(options["people"], **_terms(options), deed=deed)


def _terms(options: dict[str, Any]) -> dict[str, Any]:
    return {name: options[name] for name in ("amount", "kind", "campaign", "expires_at")}


def _everyone() -> list[Any]:
    return list(get_user_model()._default_manager.filter(is_active=True, email__isnull=False).only("pk"))


def _named(names: list[str]) -> list[Any]:
    found = {name: operators.person_named(name) for name in names}
    if unknown := [name for name, person in found.items() if person is None]:
        raise CommandError(f"There is no such user: {', '.join(unknown)}.")
    if ended := [name for name, person in found.items() if not person.is_active]:
        raise CommandError(
            f"Not active, or a guest whose credits are with another account: {', '.join(ended)}."
        )
    return list({person.pk: person for person in found.values()}.values())


def _lines(path: str) -> list[str]:
    try:
        text = sys.stdin.read() if path == "-" else Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ArgumentTypeError(f"{path} cannot be read: {error}") from error
    return [line.strip() for line in text.splitlines() if line.strip()]


def _name(words: str) -> str:
    if not 0 < len(words.strip()) <= 100:
        raise ArgumentTypeError("a name has 1 to 100 characters")
    return words.strip()


def _instant(words: str) -> datetime:
    try:
        when = datetime.fromisoformat(words)
    except ValueError as error:
        raise ArgumentTypeError(f"{words} is no day and no instant") from error
    return timezone.make_aware(when) if timezone.is_naive(when) else when
