"""An operator finds a lost payment, settles it and refunds half of it, in a real browser and without a shell."""

import re

from playwright.sync_api import Page, ViewportSize, expect

from accounts.models import User
from purchases.models import OperatorAction, Purchase
from tests.journeys.test_buying import choose_plus, go_to_stripe, register
from tests.sandbox_process import SandboxProcess

PHONE: ViewportSize = {"width": 360, "height": 740}
HIDDEN_TO_THE_RIGHT = """Math.max(...Array.from(document.querySelectorAll('html, #content .module'))
    .map((place) => place.scrollWidth - place.clientWidth))"""


def sign_in_as_operator(page: Page) -> None:
    User.objects.create_superuser("operator@example.com", "operator-password")
    page.context.clear_cookies()
    page.goto("/admin/")
    page.fill("[name=username]", "operator@example.com")
    page.fill("[name=password]", "operator-password")
    page.locator("[type=submit]").first.click()
    expect(page.locator("#site-name")).to_be_visible()


def buy_and_close_the_browser(page: Page, sandbox: SandboxProcess) -> None:
    """Paid, and nobody came back to tell: no webhook, no return."""
    register(page)
    choose_plus(page)
    go_to_stripe(page)
    found = re.search(r"cs_test_\w+", page.url)
    assert found
    sandbox.pay(found.group(0))


def test_an_operator_finds_settles_and_refunds_a_lost_payment(
    visitor: Page, sandbox_process: SandboxProcess
) -> None:
    buy_and_close_the_browser(visitor, sandbox_process)
    sign_in_as_operator(visitor)

    visitor.goto("/admin/purchases/purchase/")
    visitor.get_by_role("link", name="Diagnose").click()
    visitor.fill("[name=payment]", "ann@example.com")
    visitor.get_by_role("button", name="Diagnose").click()
    expect(visitor.locator("[data-verdict]")).to_contain_text("not credited yet: settle it now")

    visitor.get_by_role("link", name="Settle now").click()
    visitor.fill("[name=reason]", "The buyer wrote that nothing came")
    visitor.get_by_role("button", name="Settle now").click()
    expect(visitor.locator(".messagelist .success")).to_have_text("Done: credited")

    visitor.get_by_role("link", name="Refund", exact=True).click()
    visitor.fill("[name=amount_minor]", "900")
    visitor.fill("[name=reason]", "Half was enough")
    visitor.get_by_role("button", name="Preview").click()
    expect(visitor.locator("tr", has_text="Credits taken back")).to_contain_text("110")
    visitor.set_viewport_size(PHONE)
    assert visitor.evaluate(HIDDEN_TO_THE_RIGHT) == 0
    visitor.get_by_role("button", name="Refund $9.00").click()
    expect(visitor.locator(".messagelist .success")).to_contain_text("Done: succeeded")

    visitor.goto("/admin/purchases/stripeevent/webhooks/")
    expect(visitor.locator("#content")).to_contain_text("95 of 100 within")
    assert visitor.evaluate(HIDDEN_TO_THE_RIGHT) == 0
    visitor.go_back()

    visitor.get_by_role("link", name="Diagnose").click()
    expect(visitor.locator("[data-verdict]")).to_contain_text("200 + 20 credits. $9.00 refunded. 110 credits")
    assert (Purchase.objects.get().credits_taken, OperatorAction.objects.count()) == (110, 2)
