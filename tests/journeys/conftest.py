"""Real Chromium against the real pages and the sandbox. Where no Chromium is installed the journeys are skipped,
except in CI, where that is a failure."""

import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect
from pytest_django.fixtures import Settings
from pytest_django.live_server_helper import LiveServer

from checkout.models import Tier
from config.settings import form_targets
from tests.environment import WEBHOOK_SECRET
from tests.sandbox_process import SandboxProcess

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
# Playwright's loop runs in the test's own thread; Django would take it for asynchronous code.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
expect.set_options(timeout=60_000)  # milliseconds: a busy machine's, not ours
QUIET = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "/journeys/" in str(item.path):
            item.add_marker("browser")
            if CHROMIUM is None and not os.environ.get("CI"):
                item.add_marker(pytest.mark.skip(reason="no Chromium on this machine"))


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    assert CHROMIUM is not None, "CI needs a Chromium"
    return {"executable_path": CHROMIUM, "args": list(QUIET)}


@pytest.fixture(scope="session")
def browser(browser: Browser) -> Browser:
    """Each of its contexts waits longer than Playwright's thirty seconds: a busy machine may need them for one page."""
    new_context = browser.new_context

    def patient(**options: Any) -> BrowserContext:
        context = new_context(**options)
        context.set_default_timeout(180_000)
        return context

    browser.new_context = patient  # type: ignore[method-assign]
    return browser


@pytest.fixture
def shop(
    live_server: LiveServer,
    sandbox_process: SandboxProcess,
    settings: Settings,
    starter: Tier,
    plus: Tier,
) -> Iterator[str]:
    """The address of a shop with two tiers, whose Stripe is the sandbox with webhooks off."""
    sandbox_process.reset()
    sandbox_process.control("webhook", url=f"{live_server.url}/webhooks/stripe/", secret=WEBHOOK_SECRET)
    sandbox_process.control("delivery_mode", mode="off")
    settings.STRIPE_API_BASE = sandbox_process.url
    settings.PUBLIC_BASE_URL = live_server.url
    directives = settings.CONTENT_SECURITY_POLICY["DIRECTIVES"]
    targets = {"form-action": form_targets(sandbox_process.url)}
    settings.CONTENT_SECURITY_POLICY = {"DIRECTIVES": {**directives, **targets}}
    yield live_server.url
    # The server outlives the test: a late delivery would write into another test's database.
    sandbox_process.reset()
    sandbox_process.control("webhook", url="")


@pytest.fixture(params=[True, False], ids=["javascript", "plain"])
def visitor(browser: Browser, shop: str, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A newcomer's page, with and without JavaScript; what its console complains of fails the test."""
    yield from _page(browser, shop, java_script_enabled=request.param)


@pytest.fixture
def modern(browser: Browser, shop: str) -> Iterator[Page]:
    """A newcomer's page with JavaScript."""
    yield from _page(browser, shop, java_script_enabled=True)


def _page(browser: Browser, shop: str, **options: Any) -> Iterator[Page]:
    context = browser.new_context(base_url=shop, **options)
    page = context.new_page()
    complaints: list[str] = []

    def listen(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and message.location["url"].startswith(shop):
            complaints.append(message.text)

    page.on("console", listen)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    context.close()
    assert complaints == []
