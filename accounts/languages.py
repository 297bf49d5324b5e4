"""Which language somebody reads: that of the pages they last acted on. Mails follow it."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.translation import get_language

from accounts.models import User

GetResponse = Callable[[HttpRequest], HttpResponseBase]


class RememberLanguage:
    """After somebody has sent a form, keep the language it was in, or the one that they have just chosen."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if request.method == "POST" and response.status_code < 400 and request.user.is_authenticated:
            chosen = response.cookies.get(settings.LANGUAGE_COOKIE_NAME)
            remember(request.user, language=chosen.value if chosen else get_language() or "")
        return response


def remember(user: User, *, language: str) -> None:
    """Store the language of `user` where it is another than before."""
    if language in dict(settings.LANGUAGES) and language != user.language:
        User.objects.filter(pk=user.pk).update(language=language)
