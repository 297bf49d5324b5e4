"""A browser that once had an account: it is led to sign-in, never given a fresh guest with an empty balance."""

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from accounts.models import User

COOKIE = "coffer_member"
SALT = "accounts.members"
LIFETIME_SECONDS = 400 * 24 * 3600  # the longest that browsers keep a cookie


def is_marked(request: HttpRequest) -> bool:
    """Whether this browser carries our mark, unforged."""
    return request.get_signed_cookie(COOKIE, default=None, salt=SALT) is not None


def had_account(request: HttpRequest) -> bool:
    """Whether this browser is a member's, or a guest's who was claimed, though nobody is signed in."""
    if is_marked(request):
        return True
    # The session of somebody who may not sign in (any more).
    person = request.session.get(SESSION_KEY)
    return person is not None and User.objects.filter(pk=person, is_active=False).exists()


def mark(response: HttpResponseBase) -> None:
    """Leave the mark. It names nobody."""
    response.set_signed_cookie(
        COOKIE,
        "1",
        salt=SALT,
        max_age=LIFETIME_SECONDS,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
