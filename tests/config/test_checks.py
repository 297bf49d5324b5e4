"""System checks: each names what is wrong and what to do."""

import pytest
from django.core.checks import CheckMessage
from pytest_django.fixtures import Settings

from checkout import checks as checkout_checks
from checkout.models import Tier
from config import checks


def ids(messages: list[CheckMessage]) -> list[str]:
    return [str(message.id) for message in messages]


def test_the_project_as_it_stands_is_silent(db: None, plus: Tier) -> None:
    assert checks.cookies_on_the_way_back() == []
    assert checks.webhook_path() == []
    assert checkout_checks.session_length() == []
    assert checkout_checks.prices_in_deployment() == []


def test_strict_cookies_are_refused(settings: Settings) -> None:
    settings.SESSION_COOKIE_SAMESITE = "Strict"

    assert ids(checks.cookies_on_the_way_back()) == ["config.E002"]


def test_a_webhook_path_that_redirects_is_refused(settings: Settings) -> None:
    settings.SECURE_SSL_REDIRECT = True
    settings.SECURE_REDIRECT_EXEMPT = []
    assert ids(checks.webhook_path()) == ["config.E003", "config.E003"]

    settings.SECURE_REDIRECT_EXEMPT = [r"^webhooks/stripe/?$"]
    assert checks.webhook_path() == []


def test_a_session_shorter_than_stripes_is_refused(settings: Settings) -> None:
    settings.CHECKOUT_SESSION_HOURS = 0

    assert ids(checkout_checks.session_length()) == ["checkout.E001"]


@pytest.mark.parametrize(
    ("price", "currency", "expected"),
    [
        (49, "USD", ["checkout.W001"]),
        (50, "USD", []),
        (49, "JPY", ["checkout.W001"]),
        (500, "JPY", []),
        (1805, "KWD", ["checkout.E002"]),
        (1800, "KWD", []),
        (550, "ISK", ["checkout.E002"]),
        (1, "XOF", []),
        (10**8 - 1, "USD", []),
        (10**8, "USD", ["checkout.E003"]),
        (10**8, "IDR", []),
        (10**12, "IDR", ["checkout.E003"]),
    ],
)
def test_a_price_that_stripe_cannot_charge_is_named(
    plus: Tier, price: int, currency: str, expected: list[str]
) -> None:
    Tier.objects.filter(pk=plus.pk).update(price_minor=price, currency=currency)

    assert ids(checkout_checks.prices_in_database(databases=["default"])) == expected
    assert checkout_checks.prices_in_database() == []


def test_a_tier_that_is_not_for_sale_may_cost_anything(plus: Tier) -> None:
    Tier.objects.filter(pk=plus.pk).update(price_minor=1, active=False)

    assert checkout_checks.prices_in_deployment() == []
