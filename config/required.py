"""Which settings a production start cannot do without. Read by config.wsgi, manage.py and `check --deploy`."""

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured


def missing_settings() -> list[str]:
    """Return the names of required settings that are unset or empty; none under DEBUG."""
    return [] if settings.DEBUG else list(settings.MISSING_SETTINGS)


def refuse_without_settings() -> None:
    """Raise ImproperlyConfigured, naming every required setting that is missing."""
    if missing := missing_settings():
        raise ImproperlyConfigured(_words(missing))


def explained(error: ImproperlyConfigured) -> str:
    """What a command says of settings with which it could not do its work."""
    try:
        missing = missing_settings()
    except ImproperlyConfigured:  # it is they that cannot be read
        missing = []
    return _words(missing) if missing else str(error)


def _words(missing: list[str]) -> str:
    return (
        f"Coffer does not start without: {', '.join(missing)}. Set them in the environment or in .env, "
        "or set DEBUG=true for a demo."
    )
