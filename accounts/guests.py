"""Guests: people who buy before they have an account. Their browser's session is their only key until they register."""

import structlog
from django.contrib.auth import login
from django.http import HttpRequest

from accounts import throttling
from accounts.models import User
from accounts.passwords import PASSWORD_BACKEND

log = structlog.get_logger(__name__)

SESSION_SECONDS = 400 * 24 * 3600  # the longest that browsers keep a cookie: credits hang on it


def sign_in_guest(request: HttpRequest) -> User:
    """Store a new guest and sign the browser in as them. Raises TooManyTries, counted by client address.

    Call it after the CSRF check only, and for somebody whom members.had_account() does not know.
    """
    throttling.count("guests", who=throttling.address_of(request))
    guest = User.objects.create_guest()
    token = request.META.get("CSRF_COOKIE")
    keep_signed_in(request, guest)
    if token:
        # Forms in the visitor's other tabs stay good; the token is cycled when there is an account to protect.
        request.META["CSRF_COOKIE"] = token
    log.info("guest_signed_in", user=guest.pk)
    return guest


def keep_signed_in(request: HttpRequest, guest: User) -> None:
    """Sign the browser in as `guest` for as long as a browser can keep it."""
    login(request, guest, backend=PASSWORD_BACKEND)
    request.session.set_expiry(SESSION_SECONDS)
