"""A reader finds the definition that runs."""

import re

from django.conf import settings

FOLDER = settings.BASE_DIR / "credits" / "sql"
DEFINED = re.compile(r"^create (?:or replace )?function (credits_\w+)", re.MULTILINE)
LISTED = re.compile(r"^\| `(credits_\w+)` \| (\S+) \| (\S+) \|$", re.MULTILINE)


def test_each_replaced_function_is_listed_with_its_newest_file() -> None:
    files: dict[str, list[str]] = {}
    for path in sorted(FOLDER.glob("*.sql")):
        for name in DEFINED.findall(path.read_text()):
            files.setdefault(name, []).append(path.name)
    moved = sorted((name, found[0], found[-1]) for name, found in files.items() if len(found) > 1)

    assert LISTED.findall((FOLDER / "README.md").read_text()) == moved
