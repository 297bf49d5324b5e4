"""How payments are made at Stripe, from the environment. settings.py takes all of it over."""

import re
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from config.environment import Environment

TAX_BEHAVIORS = ("exclusive", "inclusive")
TAX_NOTES = ("", "included", "excluded")
TAX_CODE = re.compile(r"(txcd_\w+)?\Z")
# Ours, and those of stripe.params.checkout.SessionCreateParams.
LOCALES = (
    *(
        "page",
        "auto",
        "bg",
        "cs",
        "da",
        "de",
        "el",
        "en",
        "en-GB",
        "es",
        "es-419",
        "et",
        "fi",
        "fil",
        "fr",
        "fr-CA",
    ),
    *(
        "hi-IN",
        "hr",
        "hu",
        "id",
        "it",
        "ja",
        "ko",
        "lt",
        "lv",
        "ms",
        "mt",
        "nb",
        "nl",
        "pl",
        "pt",
        "pt-BR",
        "ro",
    ),
    *("ru", "sk", "sl", "sv", "th", "tr", "vi", "zh", "zh-HK", "zh-TW"),
)
LONGEST_VERSION = 500  # Stripe keeps no more in one word of a session's metadata
# Stripe's words of docs.stripe.com/get-started/account/statement-descriptors: 22 characters, one of them a letter.
STATEMENT_SUFFIX = re.compile(r"(?=.*[A-Za-z])[^<>\\'\"*]{1,22}\Z")


def tax_note(env: Environment) -> str:
    """What the price pages say about tax; where nothing is set, the truth about automatic tax."""
    note = env.str("TAX_NOTE", default=_truth_about_tax(env))
    if note not in TAX_NOTES:
        raise ImproperlyConfigured("TAX_NOTE is included or excluded, or empty.")
    return note


def terms(env: Environment) -> dict[str, Any]:
    """The terms that a buyer can read before paying; with TERMS_CONSENT they have to be agreed to."""
    url, version = env.link("TERMS_URL"), env.str("TERMS_VERSION")
    is_asked = env.bool("TERMS_CONSENT", default=False)
    if is_asked and not url:
        raise ImproperlyConfigured("TERMS_CONSENT needs TERMS_URL: there is nothing to agree to.")
    if len(version) > LONGEST_VERSION:
        raise ImproperlyConfigured(f"TERMS_VERSION has at most {LONGEST_VERSION} characters.")
    return {"TERMS_URL": url, "TERMS_VERSION": version, "TERMS_CONSENT": is_asked}


def read(env: Environment) -> dict[str, Any]:
    """Return the settings by name. Raises ImproperlyConfigured for what Stripe would refuse at each payment."""
    found: dict[str, Any] = {
        "STRIPE_PROMOTION_CODES": env.bool("STRIPE_PROMOTION_CODES", default=False),
        "STRIPE_AUTOMATIC_TAX": env.bool("STRIPE_AUTOMATIC_TAX", default=False),
        "STRIPE_TAX_BEHAVIOR": env.str("STRIPE_TAX_BEHAVIOR", default="exclusive"),
        "STRIPE_TAX_CODE": env.str("STRIPE_TAX_CODE", default=""),
        "STRIPE_ADAPTIVE_PRICING": env.bool("STRIPE_ADAPTIVE_PRICING", default=False),
        "STRIPE_INVOICES": env.bool("STRIPE_INVOICES", default=False),
        "STRIPE_RECEIPTS": env.bool("STRIPE_RECEIPTS", default=False),
        "STRIPE_PREFILL_EMAIL": env.bool("STRIPE_PREFILL_EMAIL", default=False),
        "STRIPE_CUSTOMERS": env.bool("STRIPE_CUSTOMERS", default=False),
        "STRIPE_LOCALE": env.str("STRIPE_LOCALE", default="page"),
        "STRIPE_STATEMENT_SUFFIX": env.str("STRIPE_STATEMENT_SUFFIX", default=""),
    }
    if found["STRIPE_TAX_BEHAVIOR"] not in TAX_BEHAVIORS:
        raise ImproperlyConfigured("STRIPE_TAX_BEHAVIOR is exclusive or inclusive.")
    if not TAX_CODE.match(found["STRIPE_TAX_CODE"]):
        raise ImproperlyConfigured("STRIPE_TAX_CODE is written like txcd_10000000.")
    if found["STRIPE_LOCALE"] not in LOCALES:
        raise ImproperlyConfigured(
            "STRIPE_LOCALE is page, auto, or a language of Stripe's page such as de or fr-CA."
        )
    suffix = found["STRIPE_STATEMENT_SUFFIX"]
    if suffix and not STATEMENT_SUFFIX.match(suffix):
        raise ImproperlyConfigured(
            "STRIPE_STATEMENT_SUFFIX has at most 22 characters, a letter among them, and none of < > \\ ' \" *"
        )
    return found


def _truth_about_tax(env: Environment) -> str:
    if not env.bool("STRIPE_AUTOMATIC_TAX", default=False):
        return ""
    is_inclusive = env.str("STRIPE_TAX_BEHAVIOR", default="exclusive") == "inclusive"
    return "included" if is_inclusive else "excluded"
