"""Against guessing passwords: whose wrong tries django-axes counts together, and when they are forgiven."""

from collections.abc import Mapping

from axes.utils import reset
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from accounts.addresses import LONGEST, normalised
from accounts.models import User


def counted_name(request: HttpRequest, credentials: Mapping[str, str] | None) -> str:
    """The name that a try counts against: another case or spelling of an address is the same person."""
    given = (credentials or request.POST).get("username")
    return normalised(given or "")[:LONGEST]


def forgive(*, user: User) -> None:
    """Forget the wrong tries for this user's name; those of an address on the network still count."""
    reset(username=user.email)


def locked_out(
    request: HttpRequest, _response: HttpResponse | None, _credentials: Mapping[str, str] | None
) -> HttpResponse:
    """The answer to whoever guessed too often."""
    response = render(request, "accounts/locked_out.html", status=429)
    response.headers["Retry-After"] = str(int(settings.AXES_COOLOFF_TIME * 3600))
    return response
