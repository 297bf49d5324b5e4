"""E-mail addresses: the one form in which they are kept, compared and counted."""

import unicodedata

from django.utils.encoding import punycode

LONGEST = 254


def normalised(address: str) -> str:
    """Return `address` trimmed, in lower case, its domain in ASCII; what is no address comes back refusable."""
    if len(address) > LONGEST:
        return address  # too long to be one, and costly to normalise
    text = unicodedata.normalize("NFKC", address).strip().lower()
    name, at, domain = text.rpartition("@")
    try:
        return f"{name}{at}{punycode(domain)}"
    except UnicodeError:
        return text
