"""The result page while a payment is being confirmed: no answer, signed out meanwhile, and the moment it arrives."""

import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings as django_settings
from django.test import Client
from playwright.sync_api import Browser, Page, Route, expect

from accounts.models import User
from checkout import sessions
from checkout.models import Tier
from purchases import opening
from purchases.models import Purchase
from tests.sandbox_process import SandboxProcess

CHECK = re.compile(r"/purchases/[0-9a-f-]{36}/check/")


@pytest.fixture
def debit(shop: str, alice: User, plus: Tier, sandbox_process: SandboxProcess) -> Purchase:
    """Alice's bank debit, which takes its time."""
    session = sessions.start(owner=alice, tier=plus)
    purchase = opening.open_payment(owner=alice, session=session).purchase
    sandbox_process.pay(purchase.stripe_session_id or "", method="bank_debit")
    return purchase


@pytest.fixture
def page(browser: Browser, shop: str, alice: User, debit: Purchase) -> Iterator[Page]:
    """Alice waits, and the clock is ours."""
    client = Client()
    client.force_login(alice, backend="accounts.backends.PasswordBackend")
    name = django_settings.SESSION_COOKIE_NAME
    context = browser.new_context(base_url=shop)
    context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": shop}])
    opened = context.new_page()
    now = datetime.now(UTC)
    opened.clock.install(time=now)
    opened.clock.pause_at(now + timedelta(seconds=1))  # a slow start must not use up the first seconds
    opened.goto(f"/purchases/return/{debit.uuid}/?session_id={debit.stripe_session_id}")
    expect(opened.locator("main")).to_have_attribute("data-purchase-state", "processing")
    yield opened
    context.close()


def pass_time_until(page: Page, text: str) -> None:
    """Let seconds pass, each with time for an answer, until the page says this."""
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline:
        if text in page.locator("body").inner_text():
            return
        page.clock.run_for(1000)
        page.wait_for_timeout(40)
    raise AssertionError(f"the page never said: {text}")


def test_it_asks_at_a_slowing_pace_and_then_says_one_may_go(page: Page) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if CHECK.search(request.url) else None)
    pass_time_until(page, "taking longer than usual")

    expect(page.locator("#purchase-status")).to_contain_text("safely close this page")
    assert [url.rpartition("=")[2] for url in asked] == [str(number) for number in range(14)]
    expect(page.get_by_role("button", name="Check again")).to_be_visible()


def test_no_answer_is_an_error_after_four_tries_with_a_button(page: Page) -> None:
    calls: list[str] = []

    def refuse(route: Route) -> None:
        calls.append(route.request.url)
        route.abort()

    page.route(CHECK, refuse)
    pass_time_until(page, "We cannot be reached")

    assert len(calls) == 4
    page.unroute(CHECK)
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("alert")).to_be_empty()
    expect(page.locator("#purchase-status")).to_have_attribute("hx-post", re.compile("asked=1$"))


def test_when_it_arrives_title_and_focus_follow(
    page: Page, debit: Purchase, sandbox_process: SandboxProcess
) -> None:
    sandbox_process.control(f"sessions/{debit.stripe_session_id}/settle", succeed=True)
    pass_time_until(page, "220 credits added")

    expect(page).to_have_title(re.compile("^Credits added"))
    expect(page.locator("h1")).to_be_focused()
    expect(page.locator("header [data-balance]")).to_have_attribute("data-balance", "220")


def test_signed_out_meanwhile_comes_back_to_the_same_result(page: Page, debit: Purchase) -> None:
    page.context.clear_cookies()
    pass_time_until(page, "Forgotten your password?")

    expect(page).to_have_url(re.compile("/accounts/login/"))
    page.fill("[name=username]", "alice@example.com")
    page.fill("[name=password]", "alice-password")
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("main")).to_have_attribute("data-purchase-state", "processing")
    expect(page).to_have_url(re.compile(str(debit.uuid)))
