"""Before a view runs, after the CSRF check: too many tries are refused, and a visitor who begins to buy is a guest."""

import math
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.middleware.csrf import CsrfViewMiddleware
from django.shortcuts import render
from django.utils.functional import SimpleLazyObject

from accounts import guests, members, throttling
from accounts.errors import TooManyTries
from accounts.models import User
from rest import problems

GetResponse = Callable[[HttpRequest], HttpResponseBase]
View = Callable[..., HttpResponseBase]


class Throttles:
    """Answer 429 where somebody posts to a view of settings.THROTTLED_VIEWS too often."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: View, *_args: Any) -> HttpResponse | None:
        name = settings.THROTTLED_VIEWS.get(_view_name(request))
        if request.method != "POST" or name is None:
            return None
        try:
            throttling.count(name, who=_who(request))
        except TooManyTries as error:
            return _too_many(request, view, error)
        return None

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """A verb that counts something else than the view's address."""
        if not isinstance(error, TooManyTries):
            return None
        assert request.resolver_match is not None, "the view has run"
        return _too_many(request, request.resolver_match.func, error)


class Guests:
    """Sign a visitor in as a guest who posts to a view of settings.GUEST_VIEWS; mark the browsers of members."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        self.forgery_check = CsrfViewMiddleware(get_response)

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if _is_known_member(request) and not members.is_marked(request):
            members.mark(response)
        return response

    def process_view(self, request: HttpRequest, view: View, *_args: Any) -> HttpResponseBase | None:
        if request.method != "POST" or _view_name(request) not in settings.GUEST_VIEWS:
            return None
        if request.user.is_authenticated or members.had_account(request):
            return None  # a member whose session has ended is led to sign-in by the view
        if _is_exempt(view) and self._is_forged(request):
            return _problem(problems.Problem(403, "csrf_failed", "The CSRF token is missing or wrong."))
        try:
            guests.sign_in_guest(request)
        except TooManyTries as error:
            return _too_many(request, view, error)
        return None

    def _is_forged(self, request: HttpRequest) -> bool:
        """Check a request to an exempt view as Django would have; what it guards here is not exempt."""
        return self.forgery_check.process_view(request, self.get_response, (), {}) is not None


def _view_name(request: HttpRequest) -> str:
    assert request.resolver_match is not None, "process_view runs after the address was resolved"
    return request.resolver_match.view_name


def _who(request: HttpRequest) -> str | None:
    """The person where somebody is signed in: many people may share one address."""
    return f"user:{request.user.pk}" if request.user.is_authenticated else throttling.address_of(request)


def _is_exempt(view: View) -> bool:
    """A view of the API, which Django's own middleware leaves to the API's authentication."""
    return bool(getattr(view, "csrf_exempt", False))


def _is_known_member(request: HttpRequest) -> bool:
    """Whether a member is signed in, judged without a query: a page that never looked at the user never asks."""
    user = getattr(request, "_cached_user", None)
    if not isinstance(user, User):
        user = getattr(request, "user", None)
        if type(user) is SimpleLazyObject:
            return False
    return isinstance(user, User) and not user.is_guest


def _too_many(request: HttpRequest, view: View, error: TooManyTries) -> HttpResponse:
    minutes = math.ceil(error.retry_after / 60)
    response: HttpResponse = (
        _problem(problems.plain(429))
        if _is_exempt(view)
        else render(request, "429.html", {"minutes": minutes}, status=429)
    )
    response.headers["Retry-After"] = str(error.retry_after)
    return response


def _problem(problem: problems.Problem) -> JsonResponse:
    content = problems.body_of(problem)
    return JsonResponse(content, status=problem.status_code, content_type=problems.CONTENT_TYPE)
