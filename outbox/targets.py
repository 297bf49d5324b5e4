"""Where an outgoing webhook may go: public addresses only, unless WEBHOOKS_TO_PRIVATE_ADDRESSES says otherwise."""

from urllib.parse import urlsplit

from django.conf import settings
from requests import RequestException
from requests_hardened import Config, Manager
from requests_hardened.ip_filter import InvalidIPAddress, filter_host

TIMEOUT = (3, 10)  # seconds to connect, and to answer


def outside() -> Manager:
    """Return what posts a webhook: it checks the very address that it connects to."""
    return Manager(
        Config(
            ip_filter_enable=not settings.WEBHOOKS_TO_PRIVATE_ADDRESSES,
            ip_filter_allow_loopback_ips=False,
            never_redirect=True,
            default_timeout=TIMEOUT,
            user_agent_override=f"{settings.BRAND_NAME} webhooks",
        )
    )


def is_address(url: str) -> bool:
    """Whether `url` names a host, and a port that there is where it names one."""
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def is_public(url: str) -> bool:
    """Whether a webhook to `url` would not be refused now. A name that does not resolve yet may do so later."""
    parts = urlsplit(url)
    try:
        filter_host(parts.hostname or "", parts.port or 443, allow_loopback=False)
    except InvalidIPAddress:
        return False
    except (RequestException, OSError, ValueError):
        return True
    return True
