"""Against guessing passwords: whose wrong tries django-axes counts together, and when they are forgiven."""

from collections.abc import Mapping

from axes.utils import reset
from django.http import HttpRequest

from accounts.addresses import LONGEST, normalised
from accounts.models import User


def counted_name(request: HttpRequest, credentials: Mapping[str, str] | None) -> str:
    """The name that a try counts against: another case or spelling of an address is the same person."""
    given = (credentials or request.POST).get("username")
    return normalised(given or "")[:LONGEST]


def forgive(*, user: User) -> None:
    """Forget the wrong tries for this user's name; those of an address on the network still count."""
    reset(username=user.email)
