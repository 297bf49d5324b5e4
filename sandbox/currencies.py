"""Currencies: which there are, how many decimals they have, the least amount a card can be charged."""

from decimal import Decimal


def _codes(text: str) -> frozenset[str]:
    return frozenset(text.split())


ZERO_DECIMAL = _codes("bif clp djf gnf jpy kmf krw mga pyg rwf ugx vnd vuv xaf xof xpf")

CURRENCIES = _codes(
    "usd aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bif bmd bnd bob brl bsd bwp byn bzd "
    "cad cdf chf clp cny cop crc cve czk djf dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gnf gtq "
    "gyd hkd hnl htg huf idr ils inr isk jmd jpy kes kgs khr kmf krw kyd kzt lak lbp lkr lrd lsl mad "
    "mdl mga mkd mmk mnt mop mur mvr mwk mxn myr mzn nad ngn nio nok npr nzd pab pen pgk php pkr pln "
    "pyg qar ron rsd rub rwf sar sbd scr sek sgd shp sle sos srd std szl thb tjs top try ttd twd tzs "
    "uah ugx uyu uzs vnd vuv wst xaf xcd xcg xof xpf yer zar zmw"
)

_LEAST = {"usd": 50, "eur": 50, "gbp": 30, "jpy": 50, "cad": 50, "aud": 50, "chf": 50, "sek": 300, "dkk": 250}
_LEAST |= {"nok": 300, "pln": 200, "mxn": 1000, "hkd": 400, "nzd": 50, "sgd": 50, "brl": 50, "inr": 50}

# What one US dollar buys; invented, fixed, good enough to show a second currency on the page.
_FOR_ONE_DOLLAR = {
    "usd": Decimal(1),
    "eur": Decimal("0.90"),
    "gbp": Decimal("0.78"),
    "jpy": Decimal(150),
    "cad": Decimal("1.36"),
    "chf": Decimal("0.88"),
    "sek": Decimal("10.5"),
}


def least_charge(currency: str) -> int:
    """In minor units; 1 where Stripe's table has no entry."""
    return _LEAST.get(currency, 1)


def written(amount: int, currency: str) -> str:
    """12.50 USD, 1250 JPY: plain, for a page in English."""
    if currency in ZERO_DECIMAL:
        return f"{amount:,} {currency.upper()}"
    return f"{Decimal(amount) / 100:,.2f} {currency.upper()}"


def presentment_currencies(currency: str) -> list[str]:
    """In what else a buyer may pay under Adaptive Pricing."""
    return (
        [] if currency not in _FOR_ONE_DOLLAR else [other for other in _FOR_ONE_DOLLAR if other != currency]
    )


def converted(amount: int, currency: str, into: str) -> int:
    """Rounded up to a whole minor unit."""
    major = Decimal(amount) / minor_units(currency) / _FOR_ONE_DOLLAR[currency] * _FOR_ONE_DOLLAR[into]
    return -int(-(major * minor_units(into)) // 1)


def minor_units(currency: str) -> int:
    """How many of the smallest unit make one."""
    return 1 if currency in ZERO_DECIMAL else 100
