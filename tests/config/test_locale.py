"""The German locale is whole, and what is compiled is what is written."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po
from django.conf import settings
from django.test import Client
from django.utils import translation

from checkout import currencies
from checkout.models import Tier

FOLDER = settings.BASE_DIR / "locale" / "de" / "LC_MESSAGES"
ROOMS = ("accounts", "checkout", "config", "credits", "outbox", "purchases", "rest", "templates")
PLACEHOLDER = re.compile(r"%(?:\(\w+\))?[sd]")
HOW_TO = "run `make messages`, translate what is new, and run it again"


def written() -> Catalog:
    with (FOLDER / "django.po").open("rb") as file:
        return read_po(file, locale="de")


def messages() -> list[Any]:
    return [message for message in written() if message.id]


def forms(text: str | list[str] | tuple[str, ...]) -> tuple[str, ...]:
    """Singular and plural, or the one form."""
    return (text,) if isinstance(text, str) else tuple(text)


def test_every_string_is_translated() -> None:
    open_ones = [message.id for message in messages() if message.fuzzy or not all(forms(message.string))]

    assert open_ones == [], HOW_TO


def test_no_translation_loses_or_invents_a_value() -> None:
    wrong = []
    for message in messages():
        known, used = (
            {name for text in forms(side) for name in PLACEHOLDER.findall(text)}
            for side in (message.id, message.string)
        )
        if known != used:
            wrong.append(message.id)

    assert wrong == []


def test_the_compiled_file_is_in_step() -> None:
    with (FOLDER / "django.mo").open("rb") as file:
        catalog: Any = read_mo(file)
    compiled = {forms(message.id): forms(message.string) for message in catalog if message.id}

    assert compiled == {forms(message.id): forms(message.string) for message in messages()}, HOW_TO


@pytest.mark.skipif(shutil.which("xgettext") is None, reason="no GNU gettext on this machine")
def test_no_string_is_missing(tmp_path: Path) -> None:
    for room in ROOMS:
        if (settings.BASE_DIR / room).exists():
            (tmp_path / room).symlink_to(settings.BASE_DIR / room)
    shutil.copytree(settings.BASE_DIR / "locale", tmp_path / "locale")
    command = [sys.executable, "-m", "django", "makemessages", "-l", "de", "--symlinks", "--no-obsolete"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, env={"PATH": "/usr/bin:/bin"})
    with (tmp_path / "locale/de/LC_MESSAGES/django.po").open("rb") as file:
        found = {forms(message.id) for message in read_po(file, locale="de") if message.id}

    assert found - {forms(message.id) for message in messages()} == set(), HOW_TO


def test_numbers_and_money_follow_the_language(client: Client, plus: Tier, db: None) -> None:
    Tier.objects.update(credits=12_000, price_minor=123_450)
    page = client.get("/pricing/", headers={"accept-language": "de-CH, de;q=0.9"}).content.decode()

    assert "12.000" in page
    assert "1.234,50\u00a0$" in page
    assert 'value="plus"' in page


def test_plural_forms_follow_the_language() -> None:
    with translation.override("de"):
        one = translation.ngettext("%(credits)s credit for %(price)s", "%(credits)s credits for %(price)s", 1)
        assert one == "%(credits)s Credit für %(price)s"
        assert currencies.written(500, "EUR") == "5,00\u00a0€"


def test_what_machines_read_does_not(alice_client: Client, plus: Tier) -> None:
    page = alice_client.get("/pricing/", headers={"accept-language": "de"}).content.decode()

    assert re.search(r'data-balance="0"\s+data-balance-version="0"', page)
