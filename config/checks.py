"""System checks of the deployment as a whole. Each app checks its own affairs."""

import re
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.urls import Resolver404, resolve

from config.required import missing_settings


@register(Tags.security, deploy=True)
def required_settings(**_kwargs: Any) -> list[CheckMessage]:
    """`check --deploy` fails on every setting without which config.wsgi refuses to load."""
    return [
        Error(f"{name} is not set.", hint=f"Set {name} in the environment or in .env.", id="config.E001")
        for name in missing_settings()
    ]


@register(Tags.security, deploy=True)
def cookies_on_the_way_back(**_kwargs: Any) -> list[CheckMessage]:
    """A Strict cookie is not sent when Stripe leads the person back: they would seem signed out after paying."""
    return [
        Error(
            f"{name} is Strict: people come back from Stripe signed out.",
            hint="Set it to Lax.",
            id="config.E002",
        )
        for name in ("SESSION_COOKIE_SAMESITE", "CSRF_COOKIE_SAMESITE")
        if str(getattr(settings, name)).lower() == "strict"
    ]


@register(Tags.urls)
def webhook_path(**_kwargs: Any) -> list[CheckMessage]:
    """Stripe counts a redirect as a failed delivery, so both spellings of the path must answer themselves."""
    hint = "Keep both patterns in purchases/urls.py and the exemption in SECURE_REDIRECT_EXEMPT."
    return [
        Error(f"/{path} redirects: Stripe could not deliver there.", hint=hint, id="config.E003")
        for path in ("webhooks/stripe", "webhooks/stripe/")
        if _redirects(path)
    ]


def _redirects(path: str) -> bool:
    try:
        resolve(f"/{path}")
    except Resolver404:
        return True  # APPEND_SLASH would redirect
    is_exempt = any(re.search(pattern, path) for pattern in settings.SECURE_REDIRECT_EXEMPT)
    return settings.SECURE_SSL_REDIRECT and not is_exempt
