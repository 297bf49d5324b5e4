"""What became of one payment, in one sentence and in full. Changes nothing."""

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from purchases import diagnosis


class Command(BaseCommand):
    """Say what became of a payment. Exit 1 where it is unknown or the books do not agree."""

    help = "Say what became of a payment: local rows, Stripe's live view, events, entries. Changes nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("payment", metavar="CS_OR_PI_OR_UUID_OR_EMAIL", help="any of these names")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        case = diagnosis.diagnose(options["payment"])
        answer = diagnosis.answer(case)
        self.stdout.write(json.dumps(answer) if options["json"] else _words(answer))
        if case.is_off:
            sys.exit(1)


def _words(answer: dict[str, Any]) -> str:
    lines = [answer["verdict"]]
    for name in ("purchase", "checkout_session", "stripe"):
        lines += ["", f"{name}:", *_rows(answer[name] or {"-": "none"})]
    for name in ("events", "entries", "others"):
        lines += ["", f"{name}: {len(answer[name])}"]
        lines += [
            "  " + " ".join(str(value) for value in row.values() if value not in ("", None))
            for row in answer[name]
        ]
    return "\n".join(lines)


def _rows(values: dict[str, Any]) -> list[str]:
    return [f"  {name}: {value}" for name, value in values.items() if value not in ("", None)]
