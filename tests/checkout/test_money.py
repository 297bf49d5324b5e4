"""Money in words: Stripe's minor units, the reader's language, no rounding of what is charged."""

from types import SimpleNamespace

import pytest
from django.template import Context, Template
from django.utils.translation import override

from checkout import currencies
from checkout.templatetags.money import price_per_credit

NBSP, NARROW = "\u00a0", "\u202f"


def money(minor: int | None, currency: str) -> str:
    template = Template("{% load money %}{{ minor|money:currency }}")
    return template.render(Context({"minor": minor, "currency": currency}))


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [
        (1800, "USD", "$18.00"),
        (0, "USD", "$0.00"),
        (5, "USD", "$0.05"),
        (-500, "USD", "-$5.00"),
        (123456789, "EUR", "€1,234,567.89"),
        (10**15 + 1, "USD", "$10,000,000,000,000.01"),
        (1800, "JPY", "¥1,800"),
        (500, "MGA", f"MGA{NBSP}500"),
        (1230, "KWD", f"KWD{NBSP}1.230"),
        (500, "ISK", f"ISK{NBSP}5"),
        (500, "UGX", f"UGX{NBSP}5"),
        (1050, "HUF", f"HUF{NBSP}10.50"),
        (1050, "TWD", "NT$10.50"),
        # Two decimals at Stripe, none in daily life: written where they are not zero.
        (1200, "RSD", f"RSD{NBSP}12"),
        (1250, "RSD", f"RSD{NBSP}12.50"),
        (5, "ZZZ", f"ZZZ{NBSP}0.05"),
        (None, "USD", ""),
    ],
)
def test_amount_in_english(minor: int | None, currency: str, text: str) -> None:
    assert money(minor, currency) == text


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("de", f"1.234,50{NBSP}€"),
        ("fr", f"1{NARROW}234,50{NBSP}€"),
        ("en-gb", "€1,234.50"),
        ("zh-hans", "€1,234.50"),
        ("xx", "€1,234.50"),
    ],
)
def test_amount_in_another_language(language: str, text: str) -> None:
    with override(language):
        assert money(123450, "EUR") == text


@pytest.mark.parametrize(
    ("minor", "currency", "count", "text"),
    [
        (500, "USD", 50, "$0.10"),
        (1800, "USD", 220, "$0.082"),
        (3200, "USD", 460, "$0.07"),
        (100, "USD", 3, "$0.33"),
        (10**6, "USD", 3, "$3,333.33"),
        (100, "USD", 30000, "$0.000033"),
        (1800, "JPY", 220, "¥8.2"),
        (1760, "JPY", 220, "¥8"),
        (1760, "JPY", 10, "¥176"),
        (1230, "KWD", 7, f"KWD{NBSP}0.176"),
        (99999, "USD", 10**5, "$0.01"),
    ],
)
def test_price_of_one(minor: int, currency: str, count: int, text: str) -> None:
    assert currencies.written_each(minor, currency, count=count) == text


def test_bonus_credits_count_in_the_price_of_one() -> None:
    plus = SimpleNamespace(price_minor=1800, currency="USD", total_credits=220)

    assert price_per_credit(plus) == "$0.082"


@pytest.mark.parametrize(
    ("currency", "digits", "step"),
    [("USD", 2, 1), ("JPY", 0, 1), ("KWD", 3, 10), ("ISK", 2, 100), ("UGX", 2, 100), ("HUF", 2, 1)],
)
def test_minor_units_are_stripes(currency: str, digits: int, step: int) -> None:
    assert (currencies.minor_digits(currency), currencies.smallest_step(currency)) == (digits, step)
