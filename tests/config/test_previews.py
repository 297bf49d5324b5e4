"""The pages that show every mail: for whoever develops, so under DEBUG only."""

import re
import runpy
from types import ModuleType

import pytest
from django.conf import settings as django_settings
from django.test import Client
from pytest_django.fixtures import Settings

from config.previews import topics

pytestmark = pytest.mark.django_db
LANGUAGES = [code for code, _ in django_settings.LANGUAGES]


@pytest.fixture
def debug(settings: Settings) -> None:
    """The addresses as they are where the project starts with DEBUG."""
    settings.DEBUG = True
    urls = ModuleType("urls_under_debug")
    vars(urls).update(runpy.run_path(str(settings.BASE_DIR / "config" / "urls.py")))
    settings.ROOT_URLCONF = urls


def test_every_mail_is_explained() -> None:
    page = (django_settings.BASE_DIR / "docs/pages.md").read_text().partition("## Letters")[2]
    rows = re.findall(r"^\| (`[^|]+) \|", page.partition("\n## ")[0], re.MULTILINE)

    assert sorted(name for row in rows for name in re.findall(r"`([\w.]+)`", row)) == topics()


@pytest.mark.usefixtures("debug")
def test_every_mail_is_listed_in_every_language(client: Client) -> None:
    page = client.get("/emails/").content.decode()

    links = [
        f"/emails/{topic}/{code}.{kind}"
        for topic in topics()
        for code in LANGUAGES
        for kind in ("html", "text")
    ]
    assert re.findall(r'href="(/emails/\w[^"]*)"', page) == links


@pytest.mark.usefixtures("debug")
@pytest.mark.parametrize("topic", topics())
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_mail_is_shown_as_it_is_sent(client: Client, topic: str, language: str) -> None:
    whole, text = (client.get(f"/emails/{topic}/{language}.{kind}") for kind in ("html", "text"))

    assert f'<html lang="{language}">' in whole.content.decode()
    assert "style-src 'self' 'unsafe-inline'" in whole["Content-Security-Policy"]
    assert text["Content-Type"] == "text/plain; charset=utf-8"
    assert re.match(r"Subject: .+\n\n.", text.content.decode())
    assert not re.search(
        r"\w  \w|: ,|\( ?\)|: *\)", text.content.decode()
    )  # what no example fills leaves such holes


@pytest.mark.usefixtures("debug")
def test_languages_differ(client: Client) -> None:
    pages = [client.get(f"/emails/purchase.credited/{code}.text").content.decode() for code in ("en", "de")]

    assert "220 credits are on your account" in pages[0]
    assert "220 Credits sind auf Ihrem Konto" in pages[1]


@pytest.mark.usefixtures("debug")
@pytest.mark.parametrize(
    "mail", ["no.such/en.html", "_foot/en.text", "purchase.failed/tlh.html", "purchase.failed/en.pdf"]
)
def test_what_is_no_mail_is_not_found(client: Client, mail: str) -> None:
    assert client.get(f"/emails/{mail}").status_code == 404


@pytest.mark.usefixtures("debug")
def test_a_preview_changes_nothing(client: Client) -> None:
    assert client.post("/emails/").status_code == 405
    assert client.post("/emails/purchase.failed/en.html").status_code == 405


@pytest.mark.parametrize("address", ["/emails/", "/emails/purchase.credited/en.html"])
def test_without_debug_there_is_no_such_page(client: Client, address: str) -> None:
    assert client.get(address).status_code == 404
