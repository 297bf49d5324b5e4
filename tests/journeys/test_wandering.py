"""A person wanders: changes the mind, opens a second tab, leaves overnight. Every time there is a way to go on."""

import re

import pytest
from django.db.models.functions import Now
from playwright.sync_api import Page, expect

from checkout.models import CheckoutSession, Tier
from tests.journeys.test_buying import PAYS, choose_plus, expect_credited, go_to_stripe, pay_by_card

ORDER = re.compile(r"/checkout/[0-9a-f-]{36}/$")


def test_a_visitor_buys_without_an_account(visitor: Page) -> None:
    choose_plus(visitor)
    go_to_stripe(visitor)
    pay_by_card(visitor, PAYS)

    expect_credited(visitor)
    expect(visitor.get_by_role("heading", name="Keep your credits")).to_be_visible()


def test_another_package_from_the_review_page(visitor: Page) -> None:
    choose_plus(visitor)
    visitor.get_by_role("button", name=re.compile("^Take this\\s+Starter")).click()
    expect(visitor.locator("main")).to_contain_text("Your order is now for Starter.")
    go_to_stripe(visitor)
    pay_by_card(visitor, PAYS)

    expect_credited(visitor, balance=50)


def test_switching_from_the_prices(visitor: Page) -> None:
    choose_plus(visitor)
    visitor.get_by_role("link", name="Choose").click()
    expect(visitor.get_by_role("heading", name="You were buying Plus")).to_be_visible()
    visitor.get_by_role("button", name="Switch to Starter").click()
    expect(visitor).to_have_url(ORDER)
    expect(visitor.locator(".summary")).to_contain_text("Starter")

    visitor.get_by_role("link", name="Choose").click()
    visitor.get_by_role("link", name="Continue").click()
    expect(visitor.locator(".summary")).to_contain_text("Starter")
    assert CheckoutSession.objects.filter(status="active").count() == 1


def test_two_tabs_of_a_newcomer_end_with_one_order(modern: Page) -> None:
    modern.goto("/pricing/")
    second = modern.context.new_page()
    second.goto("/pricing/")
    modern.get_by_role("button", name="Buy Plus").click()
    expect(modern).to_have_url(ORDER)

    second.get_by_role("button", name="Buy Starter").click()
    expect(second).to_have_url(ORDER)
    modern.get_by_role("button", name=re.compile("^Pay ")).click()

    expect(modern.locator("main")).to_contain_text("This is the one you began since.")
    expect(modern.locator(".summary")).to_contain_text("Starter")


def test_the_old_tab_at_stripe_is_paid_all_the_same(modern: Page) -> None:
    choose_plus(modern)
    go_to_stripe(modern)
    second = modern.context.new_page()
    second.goto("/pricing/")
    second.get_by_role("button", name="Switch to Starter").click()
    expect(second).to_have_url(ORDER)

    pay_by_card(modern, PAYS)
    expect_credited(modern)
    expect(modern.locator("main")).to_contain_text("This payment was for an earlier order, Plus")
    expect(modern.locator("main")).to_contain_text("Your order of Starter is still there")
    second.reload()
    expect(second.locator(".summary")).to_contain_text("Starter")


def test_the_back_button_from_stripe_leads_on(visitor: Page) -> None:
    choose_plus(visitor)
    order = visitor.url
    go_to_stripe(visitor)
    visitor.go_back()
    expect(visitor).to_have_url(order)
    visitor.get_by_role("button", name=re.compile("^Take this\\s+Starter")).click()
    go_to_stripe(visitor)
    pay_by_card(visitor, PAYS)

    expect_credited(visitor, balance=50)


def test_an_order_that_ended_overnight_begins_anew(visitor: Page) -> None:
    choose_plus(visitor)
    old = visitor.url
    CheckoutSession.objects.update(expires_at=Now())
    visitor.goto(old)

    expect(visitor).not_to_have_url(old)
    expect(visitor.locator("main")).to_contain_text("Here it is again, at the same price.")
    go_to_stripe(visitor)
    pay_by_card(visitor, PAYS)
    expect_credited(visitor)


@pytest.mark.parametrize("button", ["Pay", "reload"])
def test_a_price_that_rose_in_between_is_asked_for(visitor: Page, button: str) -> None:
    choose_plus(visitor)
    CheckoutSession.objects.update(expires_at=Now())
    Tier.objects.filter(slug="plus").update(price_minor=2500)
    if button == "Pay":
        visitor.get_by_role("button", name=re.compile("^Pay ")).click()
    else:
        visitor.reload()

    expect(visitor.locator("main")).to_contain_text("Its price has changed since you began.")
    visitor.get_by_role("button", name="Continue with Plus for $25.00").click()
    expect(visitor.locator(".summary")).to_contain_text("$25.00")
    go_to_stripe(visitor)
    pay_by_card(visitor, PAYS)
    expect_credited(visitor)
