"""What every template may show of the shop itself."""

from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest


@dataclass(frozen=True, kw_only=True)
class Brand:
    """The shop, the same on all pages: `{% once brand=brand %}`."""

    name: str
    color: str
    logo: str
    support_email: str
    terms_url: str
    terms_consent: bool
    tax_note: str
    debug: bool


def brand(request: HttpRequest) -> dict[str, object]:
    """The shop, and the reference of this request for error pages."""
    return {"brand": the_brand(), "request_id": getattr(request, "request_id", "")}


def the_brand() -> Brand:
    """As the settings have it."""
    return Brand(
        name=settings.BRAND_NAME,
        color=settings.BRAND_COLOR,
        logo=settings.BRAND_LOGO,
        support_email=settings.SUPPORT_EMAIL,
        terms_url=settings.TERMS_URL,
        terms_consent=settings.TERMS_CONSENT,
        tax_note=settings.TAX_NOTE,
        debug=settings.DEBUG,
    )
