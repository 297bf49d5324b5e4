"""Money as Stripe counts it and as people read it: minor units and a currency in, text out. No floats."""

import re
from copy import copy
from decimal import ROUND_HALF_UP, Decimal

from babel import Locale, UnknownLocaleError
from babel.numbers import NumberPattern, get_currency_precision, get_currency_symbol
from django.utils.translation import get_language, to_locale


def _codes(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Stripe's minor units, which are not always ISO 4217's: https://docs.stripe.com/currencies#zero-decimal and
# #three-decimal (there, the last digit must be 0).
ZERO_DECIMAL = _codes("BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF")
THREE_DECIMAL = _codes("BHD JOD KWD OMR TND")
# https://docs.stripe.com/currencies#special-cases: 5 ISK and 5 UGX are 500, and nothing between the hundreds can be
# charged. (UGX stands in the zero-decimal list too; the special case is the one that says how.) HUF and TWD are
# special for payouts only: charges have two decimals.
WHOLE_IN_HUNDREDS = _codes("ISK UGX")
SOURCE = "https://docs.stripe.com/currencies"
# The least that Stripe charges, in minor units, where the account settles in the same currency: SOURCE,
# "Minimum and maximum charge amounts".
_FIFTY = dict.fromkeys(_codes("USD AUD BRL CAD CHF EUR INR NZD SGD JPY"), 50)
LEAST_CHARGE = {
    **_FIFTY,
    "AED": 200,
    "BGN": 100,
    "CZK": 1500,
    "DKK": 250,
    "GBP": 30,
    "HKD": 400,
    "HUF": 17500,
    "MXN": 1000,
    "MYR": 200,
    "NOK": 300,
    "PLN": 200,
    "RON": 200,
    "SEK": 300,
    "THB": 1000,
}
# The most, by the same page: twelve digits of IDR, eight of all others.
MOST_CHARGE = {"IDR": 999_999_999_999}
MOST_OF_OTHERS = 99_999_999
MOST_DECIMALS = 6
NO_BREAK_SPACE = "\u00a0"


def minor_digits(currency: str) -> int:
    """How many decimals the amounts of this currency have in Stripe's API."""
    if currency in ZERO_DECIMAL:
        return 0
    return 3 if currency in THREE_DECIMAL else 2


def smallest_step(currency: str) -> int:
    """What an amount must be a multiple of, in minor units, so that Stripe can charge it."""
    if currency in WHOLE_IN_HUNDREDS:
        return 100
    return 10 if currency in THREE_DECIMAL else 1


def least_charge(currency: str) -> int | None:
    """The least that Stripe charges in this currency, in minor units; None where it names none."""
    return LEAST_CHARGE.get(currency)


def most_charge(currency: str) -> int:
    """The most that Stripe charges in this currency, in minor units."""
    return MOST_CHARGE.get(currency, MOST_OF_OTHERS)


def in_major_units(minor: int, currency: str) -> Decimal:
    """1800 USD becomes 18.00; 1800 JPY stays 1800."""
    return Decimal(minor).scaleb(-minor_digits(currency))


def written(minor: int, currency: str) -> str:
    """Write an amount for the current language. Never rounded: decimals go only where they are zero and unusual."""
    amount = in_major_units(minor, currency)
    is_whole = amount == amount.to_integral_value()
    digits = 0 if is_whole and get_currency_precision(currency) == 0 else minor_digits(currency)
    return _formatted(amount, currency, at_least=digits, at_most=digits)


def written_each(minor: int, currency: str, *, count: int) -> str:
    """Write what one of `count` costs: to the currency's usual decimals, or two significant digits where it is less."""
    each = in_major_units(minor, currency) / count
    usual = min(minor_digits(currency), get_currency_precision(currency))
    # adjusted() is the power of ten of the first digit: -2 for 0.0818, whose second digit is the third decimal.
    digits = min(max(usual, 1 - each.adjusted()), MOST_DECIMALS)
    rounded = each.quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP)
    at_least = 0 if rounded == rounded.to_integral_value() and usual == 0 else usual
    return _formatted(rounded, currency, at_least=at_least, at_most=digits)


def _formatted(amount: Decimal, currency: str, *, at_least: int, at_most: int) -> str:
    locale = _locale()
    pattern: NumberPattern = copy(locale.currency_formats["standard"])
    pattern.frac_prec = (at_least, at_most)
    text: str = pattern.apply(amount, locale, currency=currency, currency_digits=False)
    symbol = get_currency_symbol(currency, locale)
    # Of CLDR's rules Babel leaves one out: a symbol that ends in a letter stands off from its number.
    return (
        re.sub(rf"{re.escape(symbol)}(?=\d)", f"{symbol}{NO_BREAK_SPACE}", text)
        if symbol[-1].isalpha()
        else text
    )


def _locale() -> Locale:
    try:
        return Locale.parse(to_locale(get_language() or "en"))
    except (ValueError, UnknownLocaleError):
        return Locale("en")
