"""The pages for what went wrong, and the way from `/`."""

import sys

from django.contrib.sessions.backends.base import UpdateError
from django.contrib.sessions.exceptions import SessionInterrupted
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from rest.problems import RETRY_AFTER_SECONDS, passes_by_itself


def server_error(request: HttpRequest) -> HttpResponse:
    """500; or 503 with Retry-After where the database is away or a row stayed locked: both pass by themselves."""
    return _passing(request) if passes_by_itself(sys.exc_info()[1]) else _page(request, 500)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400; or 503 where Django calls a session gone that could not be kept, because the database was away."""
    behind: BaseException | None = exception
    while isinstance(behind, SessionInterrupted | UpdateError):
        behind = behind.__context__
    return _passing(request) if passes_by_itself(behind) else _page(request, 400)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """403."""
    return _page(request, 403)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404, the same for what is unknown and what is another's."""
    return _page(request, 404)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403 for a form without its token: often a page that stayed open for long."""
    return render(request, "403_csrf.html", status=403)


def _passing(request: HttpRequest) -> HttpResponse:
    response = _page(request, 503)
    response.headers["Retry-After"] = RETRY_AFTER_SECONDS
    return response


def _page(request: HttpRequest, status: int) -> HttpResponse:
    context = {"request_id": getattr(request, "request_id", "")}
    if request.method == "GET":
        context["retry_url"] = request.get_full_path()
    # Without `request`: context processors may need the very thing that is broken.
    return render(None if status >= 500 else request, f"{status}.html", context, status=status)
