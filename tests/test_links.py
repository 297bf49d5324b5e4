"""Every link between the project's pages leads somewhere, and every file that they name is there."""

import re
from pathlib import Path

import pytest

from tests.environment import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), ROOT / "sandbox/README.md"]
LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)#?([^)\s]*)\)")
FILE = re.compile(r"`((?:[a-z_]+/)+[\w.-]+\.(?:py|sql|html|txt|js|css|md|json|yml))`")


def anchors_of(document: Path) -> set[str]:
    """The names that headings have on a page of Markdown."""
    headings = re.findall(r"^#+ (.*)", document.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", PAGES, ids=lambda document: str(document.relative_to(ROOT)))
def test_every_link_leads_somewhere(document: Path) -> None:
    for name, anchor in LINK.findall(document.read_text()):
        target = document.parent / name if name else document
        assert target.exists(), name
        assert not anchor or anchor in anchors_of(target), f"{name}#{anchor}"


@pytest.mark.parametrize("document", PAGES, ids=lambda document: str(document.relative_to(ROOT)))
def test_every_file_that_is_named_is_there(document: Path) -> None:
    named = [name for name in FILE.findall(document.read_text()) if "TOPIC" not in name]
    places = (ROOT, document.parent, ROOT / "templates", ROOT / "static", *(ROOT / "static").glob("*/"))

    assert [name for name in named if not any((place / name).exists() for place in places)] == []
