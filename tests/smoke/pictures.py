"""The pictures in docs/pictures, taken of the real pages: `make screenshots`."""

import re
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from tests.smoke.smoke import PROJECT, running_demo

FOLDER = PROJECT / "docs" / "pictures"
WIDE = {"width": 1200, "height": 800}
PHONE = {"width": 360, "height": 740}
KEPT = {
    *("pricing", "review", "credited", "statement"),
    *("pricing-dark", "credited-dark"),
    *("review-phone", "credited-phone"),
}
LOOKS: dict[str, dict[str, Any]] = {
    "": {"viewport": WIDE, "color_scheme": "light"},
    "-dark": {"viewport": WIDE, "color_scheme": "dark"},
    "-phone": {"viewport": PHONE, "color_scheme": "light"},
}


def main() -> None:
    """Buy once for each look and keep of the pages on the way those that the README shows."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with running_demo() as base, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"]
        )
        for look, options in LOOKS.items():
            _buy(browser, base, look, options)
        browser.close()


def _buy(browser: Browser, base: str, look: str, options: dict[str, Any]) -> None:
    page = browser.new_context(base_url=base, **options).new_page()
    page.goto("/accounts/register/")
    page.fill("[name=email]", f"pictures{time.monotonic_ns()}@example.com")
    page.fill("[name=password1]", "correct-horse-battery")
    page.fill("[name=password2]", "correct-horse-battery")
    page.get_by_role("button", name="Register").click()
    _picture(page, "pricing", look)
    page.get_by_role("button", name="Buy Plus").click()
    _picture(page, "review", look)
    page.get_by_role("button", name=re.compile("^Pay ")).click()
    page.fill("[name=email]", "buyer@example.com")
    page.fill("#card_number", "4242 4242 4242 4242")
    page.fill("#exp", "12/34")
    page.fill("#cvc", "123")
    page.locator("button.pay").click()
    page.wait_for_selector("main[data-purchase-state=credited]")
    _picture(page, "credited", look)
    page.goto("/credits/")
    _picture(page, "statement", look)


def _picture(page: Page, name: str, look: str) -> None:
    if f"{name}{look}" not in KEPT:
        return
    page.wait_for_load_state("networkidle")
    path: Path = FOLDER / f"{name}{look}.png"
    page.screenshot(path=path, full_page=True)


if __name__ == "__main__":
    main()
