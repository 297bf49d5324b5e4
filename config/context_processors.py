"""What every template may show of the shop itself."""

from django.conf import settings
from django.http import HttpRequest


def brand(request: HttpRequest) -> dict[str, object]:
    """The shop's name, and the reference of this request for error pages."""
    return {
        "brand": {
            "name": settings.BRAND_NAME,
            "support_email": settings.SUPPORT_EMAIL,
            "logo": settings.BRAND_LOGO,
            "terms_url": settings.TERMS_URL,
            "terms_consent": settings.TERMS_CONSENT,
            "tax_note": settings.TAX_NOTE,
            "debug": settings.DEBUG,
        },
        "request_id": getattr(request, "request_id", ""),
    }
