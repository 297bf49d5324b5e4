"""System checks of the deployment as a whole. Each app checks its own affairs."""

from typing import Any

from django.core.checks import CheckMessage, Error, Tags, register

from config.required import missing_settings


@register(Tags.security, deploy=True)
def required_settings(**_kwargs: Any) -> list[CheckMessage]:
    """`check --deploy` fails on every setting without which config.wsgi refuses to load."""
    return [
        Error(f"{name} is not set.", hint=f"Set {name} in the environment or in .env.", id="config.E001")
        for name in missing_settings()
    ]
