"""What every template keeps: it compiles, obeys the content security policy, and error pages need nothing."""

import hashlib
import re
from pathlib import Path

import pytest
from django.conf import settings
from django.template.loader import get_template

TEMPLATES = settings.BASE_DIR / "templates"
NAMES = sorted(str(path.relative_to(TEMPLATES)) for path in TEMPLATES.rglob("*.*"))
NEEDS_NOTHING = ["400.html", "403_csrf.html", "405.html", "429.html", "500.html", "503.html"]
INLINE = re.compile(r"<style|\sstyle=|<script(?![^>]*\ssrc=)|\son[a-z]+=|javascript:", re.IGNORECASE)
OTHER_HOST = re.compile(r"""(?:src|href|action)=["'](?:https?:)?//""")


@pytest.mark.parametrize("name", NAMES)
def test_template_compiles(name: str) -> None:
    get_template(name)


@pytest.mark.parametrize("name", NAMES)
def test_template_holds_nothing_that_the_policy_refuses(name: str) -> None:
    source = (TEMPLATES / name).read_text()

    # A mail is read where no policy and no style sheet of ours is.
    assert name == "emails/_layout.html" or INLINE.findall(source) == []
    assert OTHER_HOST.findall(source) == []


@pytest.mark.parametrize("name", NEEDS_NOTHING)
def test_error_page_renders_without_request_or_database(name: str) -> None:
    page = get_template(name).render({"request_id": "8f1c2b3a"})

    assert '<code class="reference">8f1c2b3a</code>' in page
    assert "<span>Coffer</span>" in page
    assert 'href="mailto:support@example.com"' in page


def test_vendored_style_sheet_is_the_published_one() -> None:
    vendor = settings.BASE_DIR / "static" / "vendor"
    notes = (vendor / "README.md").read_text()
    named = re.findall(r"^\| `(\S+)` .* `([0-9a-f]{64})` \|$", notes, re.MULTILINE)

    assert [path for path, _ in named] == _style_sheets(vendor)
    assert [digest for _, digest in named] == [_sha256(vendor / path) for path, _ in named]


def _style_sheets(vendor: Path) -> list[str]:
    return sorted(str(path.relative_to(vendor)) for path in vendor.rglob("*.css"))


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
