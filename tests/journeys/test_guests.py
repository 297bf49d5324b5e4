"""A guest who has paid keeps the credits: by a password, by an account of old, by a link when the cookie is gone."""

import re

import pytest
from django.core import mail
from playwright.sync_api import Page, expect

from accounts.models import User
from outbox import sending
from tests.journeys.test_buying import (
    PAYS,
    choose_plus,
    expect_credited,
    go_to_stripe,
    pay_by_card,
    register,
)

PASSWORD = "correct-horse-battery"


def buy(page: Page) -> None:
    choose_plus(page)
    go_to_stripe(page)
    pay_by_card(page, PAYS)
    expect_credited(page)


def expect_balance(page: Page, balance: int) -> None:
    expect(page.locator("header [data-balance]").first).to_have_attribute("data-balance", str(balance))


def sign_in(page: Page, email: str = "ann@example.com") -> None:
    page.fill("[name=username]", email)
    page.fill("[name=password]", PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def test_choosing_a_password_keeps_everything(visitor: Page) -> None:
    buy(visitor)
    visitor.get_by_role("link", name="Choose a password").click()
    expect(visitor.locator("[name=email]")).to_have_value("ann@example.com")
    visitor.fill("[name=password1]", PASSWORD)
    visitor.fill("[name=password2]", PASSWORD)
    visitor.get_by_role("button", name="Register").click()

    expect_credited(visitor)
    visitor.context.clear_cookies()
    visitor.goto("/accounts/login/?next=/purchases/")
    sign_in(visitor)
    expect(visitor.locator("tbody tr")).to_have_count(1)
    expect_balance(visitor, 220)


def test_signing_in_brings_the_credits_along(visitor: Page) -> None:
    User.objects.create_user("ann@example.com", PASSWORD)
    buy(visitor)
    visitor.get_by_role("link", name="I have an account").click()
    sign_in(visitor)

    expect_credited(visitor)
    assert User.objects.get(is_guest=True).merged_into == User.objects.get(is_guest=False)


def test_a_link_brings_the_credits_back(visitor: Page) -> None:
    buy(visitor)
    visitor.context.clear_cookies()
    visitor.goto("/accounts/login/")
    visitor.get_by_role("link", name="Get a link to your credits").click()
    visitor.fill("[name=email]", "ann@example.com")
    visitor.get_by_role("button", name="Send the link").click()
    expect(visitor.locator("h1")).to_have_text("Look into your mailbox")

    visitor.goto(mailed_link())
    visitor.get_by_role("button", name="Open my credits").click()
    expect_balance(visitor, 220)


def mailed_link() -> str:
    sending.send_due()
    found = [re.search(r"http://\S+/accounts/claim/\S+/", str(letter.body)) for letter in mail.outbox]
    (link,) = [match.group(0) for match in found if match]
    return link


def test_a_guest_who_comes_back_signed_out_gets_the_link(modern: Page) -> None:
    buy(modern)
    result = modern.url
    modern.context.clear_cookies()
    modern.goto(result)

    expect(modern.locator("main")).to_contain_text("a link is on its way to the address you gave")
    modern.goto(mailed_link())
    modern.get_by_role("button", name="Open my credits").click()
    expect_balance(modern, 220)


@pytest.mark.parametrize("is_paid", [True, False])
def test_a_member_whose_session_ended_never_sees_an_empty_balance(modern: Page, is_paid: bool) -> None:
    register(modern)
    if is_paid:
        buy(modern)
        result = modern.url
        modern.context.clear_cookies(name="sessionid")
        modern.goto(result)
        sign_in(modern)
        expect_credited(modern)
        return
    modern.goto("/pricing/")
    modern.context.clear_cookies(name="sessionid")
    modern.get_by_role("button", name="Buy Plus").click()
    expect(modern.locator("h1")).to_have_text("Sign in")
    sign_in(modern)
    expect(modern).to_have_url(re.compile(r"/pricing/plus/$"))
    assert not User.objects.filter(is_guest=True).exists()
