"""What fails before a view or around it, below /api/: as a problem, not as a page for people."""

from collections.abc import Callable
from typing import TypeGuard

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from rest.problems import CONTENT_TYPE, body_of, plain
from rest.strict_json import CompactJSONRenderer

PREFIX = "/api/"


class ApiProblems:
    """Turns every error page below /api/ into problem+json, whichever middleware made it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if request.path.startswith(PREFIX) and response.status_code >= 400 and _is_page(response):
            problem = plain(response.status_code)
            response.content = CompactJSONRenderer().render(body_of(problem))
            response.headers["Content-Type"] = CONTENT_TYPE
            response.headers["Content-Length"] = str(len(response.content))
            for name, value in problem.headers.items():
                response.headers.setdefault(name, value)
        return response


def _is_page(response: HttpResponseBase) -> TypeGuard[HttpResponse]:
    return isinstance(response, HttpResponse) and response.headers.get("Content-Type") != CONTENT_TYPE
