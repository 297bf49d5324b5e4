"""Management commands for a house without a start of Python each: one JSON line in, one out."""

import contextlib
import io
import json
import sys

import django
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection


def main() -> None:
    """Run commands until stdin ends."""
    django.setup()
    answers = sys.stdout
    for line in sys.stdin:
        answers.write(json.dumps(_run(json.loads(line))) + "\n")
        answers.flush()


def _run(words: list[str]) -> dict[str, object]:
    out, code, error = io.StringIO(), 0, ""
    try:
        with contextlib.redirect_stdout(out):
            call_command(*words, stdout=out, stderr=io.StringIO())
    except SystemExit as end:
        code = int(end.code or 0)
    except CommandError as refused:
        code, error = 1, str(refused)
    except Exception as surprise:  # told to whoever asked, as a traceback would be
        code, error = 1, f"{type(surprise).__name__}: {surprise}"
    connection.close()
    return {"code": code, "out": out.getvalue(), "error": error}


if __name__ == "__main__":
    main()
