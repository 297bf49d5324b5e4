"""The page that describes the API works under the content security policy, without a word on the console."""

from playwright.sync_api import Page, expect


def test_api_page_shows_every_call_and_tries_one(modern: Page) -> None:
    modern.goto("/api/docs/")

    spend = modern.locator("#operations-credits-spend")
    expect(spend).to_be_visible()
    spend.click()
    expect(spend.get_by_text("insufficient_credits").first).to_be_attached()
    tiers = modern.locator("#operations-checkout-tiers")
    tiers.click()
    tiers.get_by_role("button", name="Try it out").click()
    tiers.get_by_role("button", name="Execute").click()
    expect(tiers.locator(".live-responses-table .response-col_status").last).to_contain_text("200")
    expect(tiers.locator(".live-responses-table")).to_contain_text("starter")
