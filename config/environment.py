"""What settings.py reads the environment with: values without their spaces, refused in a sentence that names them."""

import builtins
import math
import re
from typing import Any
from urllib.parse import SplitResult, urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured
from kombu.transport import TRANSPORT_ALIASES

TRUE = ("true", "on", "yes", "y", "1", "ok")
FALSE = ("false", "off", "no", "n", "0")
POSTGRES = ("postgres", "postgresql", "pgsql", "psql")
# What an example writes where a secret of Stripe's belongs: everybody knows it.
PLACEHOLDER = re.compile(r"((sk|rk)_(test|live)_|whsec_)\.*")

LONGEST_LINK = 500  # of what Stripe keeps in a session's metadata


class Environment:
    """The environment. Whatever is refused raises ImproperlyConfigured."""

    def __init__(self) -> None:
        self._env = environ.Env()

    def str(self, name: builtins.str, *, default: builtins.str = "") -> builtins.str:
        """A text. Spaces around a secret come of copying: a live key must be known for one all the same."""
        return builtins.str(self._env.str(name, default=default)).strip()

    def list(self, name: builtins.str) -> list[builtins.str]:
        """Texts with commas between them."""
        return [part.strip() for part in self.str(name).split(",") if part.strip()]

    def secret(self, name: builtins.str) -> builtins.str:
        """A secret of Stripe's; what an example writes in its place is none."""
        value = self.str(name)
        return "" if PLACEHOLDER.fullmatch(value) else value

    def secrets(self, name: builtins.str) -> builtins.list[builtins.str]:
        """Several, with commas between them."""
        return [part for part in self.list(name) if not PLACEHOLDER.fullmatch(part)]

    def bool(self, name: builtins.str, *, default: builtins.bool) -> builtins.bool:
        """`true` or `false`, or a word that means one of them; a slip of the pen is neither."""
        value = self.str(name).lower()
        if value and value not in (*TRUE, *FALSE):
            raise ImproperlyConfigured(f"{name} is true or false.")
        return value in TRUE if value else default

    def int(
        self,
        name: builtins.str,
        *,
        default: builtins.int,
        at_least: builtins.int = 0,
        at_most: builtins.int,
    ) -> builtins.int:
        """A whole number; the default also where it is empty."""
        try:
            value = int(self.str(name) or default)
        except ValueError:
            value = at_least - 1
        if value < at_least:
            raise ImproperlyConfigured(f"{name} is a whole number of at least {at_least}.")
        if value > at_most:
            raise ImproperlyConfigured(f"{name} is a whole number of at most {at_most}.")
        return value

    def days(self, name: builtins.str, *, default: builtins.int, at_least: builtins.int = 0) -> builtins.int:
        """A number of days, a hundred years of them at most: a date reaches no further than the year 9999."""
        return self.int(name, default=default, at_least=at_least, at_most=36_500)

    def seconds(
        self,
        name: builtins.str,
        *,
        default: builtins.float,
        at_least: builtins.float = 0.0,
        at_most: builtins.float = 1e9,
    ) -> builtins.float:
        """A number with or without a fraction, thirty years at most; the default also where it is empty."""
        try:
            value = float(self.str(name) or default)
        except ValueError:
            value = math.nan
        if not at_least <= value <= at_most:
            raise ImproperlyConfigured(f"{name} is a number from {at_least:g} to {at_most:g}.")
        return value

    def web_address(self, name: builtins.str) -> builtins.str:
        """An address of http or https, without the slash at its end; "" where it is not set."""
        value = self.str(name).rstrip("/")
        if value and not _is_web_address(value):
            raise ImproperlyConfigured(f"{name} is written like https://credits.example.com.")
        return value

    def link(self, name: builtins.str) -> builtins.str:
        """Where people are sent: a page of http or https, or a path of ours; "" where it is not set."""
        value = self.str(name)
        if value and not (len(value) <= LONGEST_LINK and _is_link(value)):
            raise ImproperlyConfigured(
                f"{name} is a path such as /terms/, or written like https://shop.example.com/terms."
            )
        return value

    def postgres(self, name: builtins.str) -> builtins.str:
        """The address of a PostgreSQL database; "" where it is not set."""
        value = self.str(name)
        if value and not _is_postgres(value):
            raise ImproperlyConfigured(
                f"{name} is written like postgresql://role:password@host:5432/database."
            )
        return value

    def database(self, url: builtins.str) -> dict[builtins.str, Any]:
        """Django's words for the address of a database."""
        return dict(self._env.db_url_config(url))

    def broker(self, name: builtins.str) -> builtins.str:
        """The address of a broker, or several with semicolons between them; files where it is not set."""
        value = self.str(name) or "filesystem://"
        if not all(_is_broker(part) for part in value.split(";")):
            raise ImproperlyConfigured(f"{name} is written like redis://host:6379/0.")
        return value

    def cache(self, name: builtins.str, url: builtins.str) -> dict[builtins.str, Any]:
        """Django's words for the address of a cache."""
        try:
            return dict(self._env.cache_url_config(url))
        except (ImproperlyConfigured, ValueError):
            raise ImproperlyConfigured(f"{name} is written like redis://host:6379/0.") from None

    def mail(self, name: builtins.str) -> dict[builtins.str, Any]:
        """Django's settings for a mail server; `console`, and nothing, write mails to the output."""
        url = self.str(name) or "console"
        try:
            return dict(self._env.email_url_config("consolemail://" if url == "console" else url))
        except (ImproperlyConfigured, ValueError):
            raise ImproperlyConfigured(
                f"{name} is console, or written like smtp+tls://user:password@host:587."
            ) from None


def _is_web_address(value: str) -> bool:
    parts = _parts(value)
    return parts is not None and _is_of_the_web(value, parts) and not (parts.query or parts.fragment)


def _is_link(value: str) -> bool:
    parts = _parts(value)
    if parts is None:
        return False
    is_path = value.startswith("/") and not parts.netloc and _is_plain(value)
    return is_path or _is_of_the_web(value, parts)


def _is_of_the_web(value: str, parts: SplitResult) -> bool:
    is_page = parts.scheme in ("http", "https") and bool(parts.hostname) and not parts.username
    return is_page and _is_plain(value)


def _is_plain(value: str) -> bool:
    """urlsplit drops line breaks, and a browser takes a backslash for a slash."""
    return value.isprintable() and not any(sign in value for sign in " \\")


def _is_postgres(value: str) -> bool:
    parts = _parts(value)
    return parts is not None and parts.scheme in POSTGRES


def _is_broker(value: str) -> bool:
    scheme, separator, _ = value.partition("://")
    return bool(separator) and scheme.partition("+")[0] in TRANSPORT_ALIASES


def _parts(value: str) -> SplitResult | None:
    try:
        parts = urlsplit(value)
        _ = parts.port  # read late, and refused late
    except ValueError:
        return None
    return parts
