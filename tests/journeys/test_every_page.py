"""Every page in every state: usable by everybody, light and dark, wide and narrow, with and without JavaScript; valid,
light, and without a word to another host."""

import gzip
import warnings
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings as django_settings
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Response, expect

from accounts.models import User
from checkout.models import Tier
from tests.journeys.places import Place, Shop, client_of
from tests.sandbox_process import SandboxProcess

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import html5lib

WIDE, PHONE = {"width": 1200, "height": 800}, {"width": 320, "height": 640}
HEAVIEST = 60_000  # bytes, compressed, on the first visit
BUTTONS_OF_SCRIPTS = """Array.from(document.querySelectorAll('button'))
    .filter((button) => !button.closest('form') && button.offsetParent !== null).map((button) => button.outerHTML)"""
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture
def places(shop: str, sandbox_process: SandboxProcess, starter: Tier, plus: Tier) -> list[Place]:
    return Shop(sandbox_process, starter, plus).places()


class Visits:
    """Browser contexts, one a person."""

    def __init__(self, browser: Browser, shop: str, **options: Any) -> None:
        self.browser, self.shop, self.options = browser, shop, {"viewport": WIDE, **options}
        self.contexts: dict[User | None, BrowserContext] = {}

    def open(self, place: Place) -> Page:
        """A page of its own in the browser of whoever looks at the place."""
        page = self._of(place.who).new_page()
        if place.html:
            page.route("**/answer/", lambda route: route.fulfill(body=place.html, content_type="text/html"))
        return page

    def _of(self, person: User | None) -> BrowserContext:
        if person not in self.contexts:
            context = self.browser.new_context(base_url=self.shop, **self.options)
            name = django_settings.SESSION_COOKIE_NAME
            if person is not None:
                value = client_of(person).cookies[name].value
                context.add_cookies([{"name": name, "value": value, "url": self.shop}])
            self.contexts[person] = context
        return self.contexts[person]

    def close(self) -> None:
        for context in self.contexts.values():
            context.close()


@pytest.fixture
def visits(browser: Browser, shop: str) -> Iterator[Visits]:
    visits = Visits(browser, shop)
    yield visits
    visits.close()


@pytest.fixture
def plain_visits(browser: Browser, shop: str) -> Iterator[Visits]:
    visits = Visits(browser, shop, java_script_enabled=False, locale="de-DE", viewport=PHONE)
    yield visits
    visits.close()


def weight_of(responses: list[Response]) -> int:
    """Bytes over the wire, if each were compressed."""
    return sum(len(gzip.compress(response.body())) for response in responses if response.ok)


def complaints_of(page: Page) -> list[str]:
    """What the console complains of, from now on."""
    said: list[str] = []

    def listen(message: ConsoleMessage) -> None:
        # The browser itself remarks on a status that is an error.
        if message.type == "error" and "Failed to load resource" not in message.text:
            said.append(message.text)

    page.on("console", listen)
    page.on("pageerror", lambda error: said.append(str(error)))
    return said


def problems_of(page: Page) -> list[str]:
    """What axe finds, in short."""
    found = Axe().run(page).response["violations"]
    return [f"{rule['id']}: {node['html'][:160]}" for rule in found for node in rule["nodes"]]


def test_every_page_is_accessible_in_light_dark_and_on_a_phone(visits: Visits, places: list[Place]) -> None:
    problems: dict[str, list[str]] = {}
    for place in places:
        page = visits.open(place)
        said = complaints_of(page)
        page.goto(place.path)
        assert place.has in page.content(), place.name
        said += [f"light, wide: {problem}" for problem in problems_of(page)]
        page.emulate_media(color_scheme="dark", reduced_motion="reduce")
        page.set_viewport_size(PHONE)  # type: ignore[arg-type]
        said += [f"dark, phone: {problem}" for problem in problems_of(page)]
        if (wider := page.evaluate(OVERFLOW)) > 0:
            said.append(f"{wider} pixels too wide for a phone")
        problems[place.name] = said
        page.close()

    assert {name: found for name, found in problems.items() if found} == {}


def test_every_page_works_without_javascript_in_german_on_a_phone(
    plain_visits: Visits, places: list[Place]
) -> None:
    for place in places:
        page = plain_visits.open(place)
        page.goto(place.path)
        if not place.html:
            assert page.locator("html").get_attribute("lang") == "de", place.name
        assert page.evaluate(OVERFLOW) == 0, place.name
        expect(page.locator("main h1").first, place.name).to_be_visible()
        assert page.evaluate(BUTTONS_OF_SCRIPTS) == [], place.name
        page.close()


def test_every_page_is_valid_html_under_a_title_of_its_own(places: list[Place]) -> None:
    problems: dict[str, object] = {}
    titles: dict[str, str] = {}
    for place in places:
        source = place.html or client_of(place.who).get(place.path).content.decode()
        parser = html5lib.HTMLParser()
        parser.parse(source)
        if parser.errors:
            problems[place.name] = [(line[0], code, detail) for line, code, detail in parser.errors]
        titles[place.name] = " ".join(source.partition("<title>")[2].partition("</title>")[0].split())

    assert problems == {}
    assert [name for name, title in titles.items() if len(title) < 8] == []
    assert titles["prices"] == "Pricing · Coffer"
    results = [title for name, title in titles.items() if name.startswith("result")]
    assert len(set(results)) == len(results)


def test_a_first_visit_is_light_and_speaks_to_nobody_else(browser: Browser, shop: str, plus: Tier) -> None:
    context = browser.new_context(base_url=shop)
    page = context.new_page()
    loaded: list[Response] = []
    page.on("response", lambda response: loaded.append(response))
    page.goto("/pricing/", wait_until="networkidle")
    weight = weight_of(loaded)
    context.close()

    assert {urlsplit(response.url).netloc for response in loaded} == {urlsplit(shop).netloc}
    assert weight < HEAVIEST


def test_an_unknown_language_of_a_browser_is_english(client: Client, db: None) -> None:
    assert '<html lang="en">' in client.get("/pricing/", headers={"accept-language": "tlh"}).content.decode()
