"""A stranger buys credits and has them, in a real browser."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.sandbox_process import SandboxProcess

PAYS, DECLINED, ASKS_3DS = "4242 4242 4242 4242", "4000 0000 0000 0002", "4000 0025 0000 3155"


def register(page: Page, email: str = "ann@example.com") -> None:
    page.goto("/accounts/register/")
    page.fill("[name=email]", email)
    page.fill("[name=password1]", "correct-horse-battery")
    page.fill("[name=password2]", "correct-horse-battery")
    page.get_by_role("button", name="Register").click()
    expect(page.locator("header [data-balance]").first).to_have_attribute("data-balance", "0")


def choose_plus(page: Page) -> None:
    page.goto("/pricing/")
    page.get_by_role("button", name="Buy Plus").click()
    expect(page).to_have_url(re.compile(r"/checkout/[0-9a-f-]{36}/$"))
    expect(page.locator("[aria-current=step]")).to_have_count(1)


def go_to_stripe(page: Page) -> None:
    page.get_by_role("button", name=re.compile("^Pay ")).click()
    expect(page.locator("#card_number")).to_be_visible()


def pay_by_card(page: Page, number: str) -> None:
    page.fill("[name=email]", "ann@example.com")
    page.fill("#card_number", number)
    page.fill("#exp", "12/34")
    page.fill("#cvc", "123")
    page.locator("button.pay").click()


def expect_credited(page: Page, balance: int = 220) -> None:
    expect(page.locator("main")).to_have_attribute("data-purchase-state", "credited")
    for shown in page.locator("[data-balance]").all():
        expect(shown).to_have_attribute("data-balance", str(balance))


def test_a_stranger_buys_plus(visitor: Page) -> None:
    register(visitor)
    choose_plus(visitor)
    go_to_stripe(visitor)
    pay_by_card(visitor, PAYS)

    expect_credited(visitor)
    expect(visitor.locator("h1")).to_contain_text("220 credits added")
    visitor.goto("/purchases/")
    expect(visitor.locator("tbody tr")).to_have_count(1)
    visitor.goto("/credits/")
    expect(visitor.locator("tbody tr")).to_have_count(2)
    expect(visitor.locator("tbody")).to_contain_text("200")
    expect(visitor.locator("tbody")).to_contain_text("20")


def test_a_declined_card_can_be_followed_by_a_good_one(visitor: Page) -> None:
    register(visitor)
    choose_plus(visitor)
    go_to_stripe(visitor)
    pay_by_card(visitor, DECLINED)
    expect(visitor.locator("main")).to_contain_text("declined")

    pay_by_card(visitor, PAYS)
    expect_credited(visitor)


def test_three_d_secure(visitor: Page) -> None:
    register(visitor)
    choose_plus(visitor)
    go_to_stripe(visitor)
    pay_by_card(visitor, ASKS_3DS)
    visitor.get_by_role("button", name=re.compile("authori[sz]e|complete", re.IGNORECASE)).first.click()

    expect_credited(visitor)


def test_cancelling_keeps_the_order(visitor: Page) -> None:
    register(visitor)
    choose_plus(visitor)
    go_to_stripe(visitor)
    visitor.get_by_role("link", name=re.compile("back", re.IGNORECASE)).first.click()
    expect(visitor.locator("h1")).to_have_text("You have not paid")

    visitor.get_by_role("button", name="Continue to payment").click()
    pay_by_card(visitor, PAYS)
    expect_credited(visitor)


def test_a_delayed_debit_is_waited_for(modern: Page, sandbox_process: SandboxProcess) -> None:
    register(modern)
    choose_plus(modern)
    go_to_stripe(modern)
    session = re.search(r"cs_test_\w+", modern.url)
    assert session
    paid = sandbox_process.pay(session.group(0), method="bank_debit")
    modern.goto(paid["success_url"])
    expect(modern.locator("main")).to_have_attribute("data-purchase-state", "processing")

    sandbox_process.control(f"sessions/{session.group(0)}/settle", succeed=True)
    expect_credited(modern)  # without a click: the page asks by itself


def test_a_debit_that_fails_says_so_and_takes_nothing(modern: Page, sandbox_process: SandboxProcess) -> None:
    register(modern)
    choose_plus(modern)
    go_to_stripe(modern)
    session = re.search(r"cs_test_\w+", modern.url)
    assert session
    paid = sandbox_process.pay(session.group(0), method="bank_debit")
    sandbox_process.control(f"sessions/{session.group(0)}/settle", succeed=False)
    modern.goto(paid["success_url"])

    expect(modern.locator("main")).to_have_attribute("data-purchase-state", "failed")
    expect(modern.locator("header [data-balance]").first).to_have_attribute("data-balance", "0")


def test_the_back_button_after_paying_does_not_pay_twice(modern: Page) -> None:
    register(modern)
    choose_plus(modern)
    review = modern.url
    go_to_stripe(modern)
    pay_by_card(modern, PAYS)
    expect_credited(modern)

    modern.goto(review)
    expect(modern).to_have_url(re.compile(r"/purchases/[0-9a-f-]{36}/$"))


@pytest.mark.parametrize("path", ["/purchases/", "/credits/", "/accounts/password-change/"])
def test_sign_in_comes_back_to_where_one_was(visitor: Page, path: str) -> None:
    register(visitor)
    visitor.context.clear_cookies()
    visitor.goto(path)
    visitor.fill("[name=username]", "ann@example.com")
    visitor.fill("[name=password]", "correct-horse-battery")
    visitor.get_by_role("button", name="Sign in").click()

    expect(visitor).to_have_url(re.compile(f"{path}$"))
