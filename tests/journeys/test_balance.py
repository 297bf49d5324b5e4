"""The balance on a page: the server's, the same in every place, and never an old one. The answers of the API are played
here, so that each can be late, older, newer or missing."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from accounts.models import User
from credits.balances import balance_of
from credits.deposits import NewLot, grant


class PlayedApi:
    """Answers in the API's place, and remembers what it was asked."""

    def __init__(self, context: BrowserContext) -> None:
        self.calls: list[str] = []
        self.status = 200
        self.says: dict[str, Any] = {}
        context.route("**/api/v1/**", self._answer)

    def _answer(self, route: Route) -> None:
        self.calls.append(route.request.url.partition("/api/v1")[2])
        if self.status == 0:
            route.abort()
        else:
            route.fulfill(status=self.status, content_type="application/json", body=json.dumps(self.says))

    def answer(self, **says: Any) -> None:
        """The next answers, as the contract has them."""
        self.says = {"current": 0, "held": 0, "debt": 0, "next_expiry": None, **says}


@pytest.fixture
def member(shop: str, alice: User) -> User:
    """Alice, with 50 credits."""
    grant(user=alice, lots=[NewLot(kind="promo", amount=50)], scope="tests", key="give:1")
    return alice


@pytest.fixture
def signed_in(browser: Browser, shop: str, member: User) -> Iterator[BrowserContext]:
    client = Client()
    client.force_login(member, backend="accounts.backends.PasswordBackend")
    context = browser.new_context(base_url=shop)
    name = django_settings.SESSION_COOKIE_NAME
    context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": shop}])
    yield context
    context.close()


@pytest.fixture
def api(signed_in: BrowserContext) -> PlayedApi:
    return PlayedApi(signed_in)


@pytest.fixture
def page(signed_in: BrowserContext, api: PlayedApi) -> Page:
    opened = signed_in.new_page()
    opened.goto("/credits/")
    return opened


def shows(page: Page, credits: str) -> None:
    """Every place has this number, for machines and for people."""
    for place in page.locator("[data-balance]").all():
        expect(place).to_have_attribute("data-balance", credits.replace(",", ""))
    expect(page.locator("header [data-balance-number]")).to_have_text(credits)
    for big in page.locator(".big-number").all():
        expect(big).to_have_text(credits)


def stored(page: Page) -> dict[str, Any]:
    kept: dict[str, Any] = page.evaluate("JSON.parse(sessionStorage.getItem('coffer.balance'))")
    return kept


def pretend_stored(page: Page, member: User, **known: Any) -> None:
    account = str(balance_of(member).account)
    page.evaluate(
        "known => sessionStorage.setItem('coffer.balance', JSON.stringify(known))",
        {"account": account, "expiry": "", **known},
    )


def test_a_fresh_page_is_kept_and_asks_nothing(page: Page, api: PlayedApi) -> None:
    shows(page, "50")

    assert (stored(page)["available"], stored(page)["version"]) == (50, 1)
    assert api.calls == []


def test_a_page_older_than_what_is_known_asks(page: Page, api: PlayedApi, member: User) -> None:
    pretend_stored(page, member, available=1_270, version=9)
    api.answer(available=1_270, version=9)
    page.goto("/pricing/")

    shows(page, "1,270")
    assert api.calls == ["/accounts/me/balance/"]


def test_the_browsers_page_cache_shows_nothing_old(page: Page, api: PlayedApi) -> None:
    api.answer(available=30, version=2)
    page.evaluate("window.dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))")

    shows(page, "30")
    expect(page.locator("#balance-says")).to_contain_text("changed since this page was opened")


def test_two_tabs_agree_by_the_real_api(signed_in: BrowserContext, member: User) -> None:
    first, second = signed_in.new_page(), signed_in.new_page()
    first.goto("/credits/")
    grant(user=member, lots=[NewLot(kind="promo", amount=25)], scope="tests", key="give:2")
    second.goto("/pricing/")

    shows(second, "75")
    shows(first, "75")


def test_somebody_else_who_signs_in_is_shown_in_every_tab(
    signed_in: BrowserContext, member: User, bob: User, shop: str
) -> None:
    first, second = signed_in.new_page(), signed_in.new_page()
    first.goto("/credits/")
    grant(user=bob, lots=[NewLot(kind="promo", amount=7)], scope="tests", key="give:2")
    client = Client()
    client.force_login(bob, backend="accounts.backends.PasswordBackend")
    name = django_settings.SESSION_COOKIE_NAME
    signed_in.add_cookies([{"name": name, "value": client.cookies[name].value, "url": shop}])
    second.goto("/pricing/")

    shows(second, "7")
    shows(first, "7")


def test_two_tabs_agree(page: Page, api: PlayedApi, signed_in: BrowserContext, member: User) -> None:
    grant(user=member, lots=[NewLot(kind="promo", amount=25)], scope="tests", key="give:2")
    api.answer(available=75, version=2)
    other = signed_in.new_page()
    other.goto("/pricing/")

    shows(other, "75")
    shows(page, "75")
    assert api.calls == ["/accounts/me/balance/"]


def test_a_passed_expiry_is_asked_about(page: Page, api: PlayedApi) -> None:
    api.answer(available=40, version=1)
    page.evaluate("document.getElementById('balance').dataset.balanceExpiry = '2020-01-01T00:00:00Z'")
    page.evaluate("window.dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))")

    shows(page, "40")
    assert api.calls == ["/accounts/me/balance/"]  # and no report: time explains the difference


def test_a_disagreement_at_the_same_version_is_reported(page: Page, api: PlayedApi) -> None:
    api.answer(available=60, version=1)
    page.evaluate("window.dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))")

    shows(page, "60")
    for _ in range(1000):  # the report may come a moment after the number
        if len(api.calls) > 1:
            break
        page.wait_for_timeout(20)
    assert api.calls == ["/accounts/me/balance/", "/balance/sync/?version=1&available=50"]


def test_an_answer_that_was_overtaken_is_dropped(page: Page, api: PlayedApi) -> None:
    api.answer(available=0, version=0)
    page.evaluate("window.dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))")
    page.wait_for_timeout(300)

    shows(page, "50")
    assert stored(page)["available"] == 50


def test_signed_out_meanwhile_shows_no_balance(page: Page, api: PlayedApi) -> None:
    api.status = 401
    page.evaluate("window.dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))")

    expect(page.locator("#balance-says")).to_contain_text("You are signed out")
    expect(page.locator("#balance")).to_be_hidden()
    expect(page.locator(".big-number")).to_have_text("\u2013")
    expect(page.locator("#balance-says a")).to_have_attribute("href", "/accounts/login/?next=%2Fcredits%2F")


def test_signing_out_in_one_tab_hides_the_balance_in_the_other(
    signed_in: BrowserContext, member: User
) -> None:
    first, second = signed_in.new_page(), signed_in.new_page()
    first.goto("/credits/")
    second.goto("/credits/")
    second.locator("details.menu summary").click()
    second.get_by_role("button", name="Sign out").click()

    expect(first.locator("#balance-says")).to_contain_text("You are signed out")
    expect(first.locator(".big-number")).to_have_text("\u2013")


def test_signed_in_again_the_page_is_loaded_anew(page: Page, api: PlayedApi) -> None:
    back = "window.dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))"
    api.status = 401
    page.evaluate(back)
    expect(page.locator("#balance")).to_be_hidden()
    api.status = 200
    api.answer(available=50, version=1)
    page.evaluate(back)

    shows(page, "50")


def test_no_answer_is_said_after_four_tries_and_can_be_repeated(page: Page, api: PlayedApi) -> None:
    page.clock.install()
    api.status = 0
    page.evaluate("window.dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))")
    for _ in range(300):
        if "could not be looked up" in page.locator("#balance-says").inner_text():
            break
        page.clock.run_for(1000)
        page.wait_for_timeout(50)

    expect(page.locator("#balance-says")).to_contain_text("could not be looked up")
    assert len(api.calls) == 4
    api.status = 200
    api.answer(available=50, version=1)
    page.get_by_role("button", name="Look again").click()
    expect(page.locator("#balance-says")).to_be_empty()


@pytest.fixture
def newcomer(browser: Browser, shop: str) -> Iterator[Page]:
    """Somebody who never had an account."""
    context = browser.new_context(base_url=shop)
    page = context.new_page()
    page.goto("/pricing/")
    yield page
    context.close()


def session_ends(page: Page) -> None:
    page.context.clear_cookies(name=django_settings.SESSION_COOKIE_NAME)
    page.evaluate("window.dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))")


def test_a_guest_whose_session_ended_becomes_another(newcomer: Page) -> None:
    newcomer.get_by_role("button", name="Buy Plus").click()
    newcomer.goto("/credits/")
    with newcomer.expect_navigation():
        session_ends(newcomer)

    shows(newcomer, "0")
    assert User.objects.filter(is_guest=True).count() == 2


def test_on_a_result_nobody_becomes_a_guest_anew(newcomer: Page) -> None:
    newcomer.get_by_role("button", name="Buy Plus").click()
    newcomer.evaluate("document.querySelector('main').dataset.purchaseState = 'processing'")
    session_ends(newcomer)

    expect(newcomer.locator("#balance-says")).to_contain_text("You are signed out")
    assert User.objects.filter(is_guest=True).count() == 1


def test_a_member_whose_session_ended_becomes_no_guest(signed_in: BrowserContext, member: User) -> None:
    page = signed_in.new_page()
    page.goto("/credits/")
    session_ends(page)

    expect(page.locator("#balance-says")).to_contain_text("You are signed out")
    assert not User.objects.filter(is_guest=True).exists()
