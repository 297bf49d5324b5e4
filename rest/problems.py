"""Every refusal of the API as problem+json (RFC 9457): type, title, status, detail and a stable word, `code`."""

from http import HTTPStatus
from typing import Any

import structlog
from django.core.exceptions import BadRequest, PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from psycopg.errors import ReadOnlySqlTransaction
from rest_framework import exceptions
from rest_framework.response import Response

log = structlog.get_logger(__name__)

CONTENT_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = "5"
# The code and the sentence for a status that says no more than itself.
PLAIN = {
    400: ("bad_request", "The request was not understood."),
    401: ("not_authenticated", "Show an API key, or sign in."),
    403: ("forbidden", "This is not allowed."),
    404: ("not_found", "There is nothing here, or nothing of yours."),
    405: ("method_not_allowed", "This address does not know that method."),
    413: ("body_too_large", "The body is larger than 1 MiB."),
    415: ("unsupported_media_type", "Send application/json in UTF-8."),
    429: ("too_many_requests", "Too many calls. Retry-After says when to go on."),
    500: (
        "internal_error",
        "Something went wrong here. Retry with the same Idempotency-Key: nothing doubles.",
    ),
    503: (
        "unavailable",
        "This passes by itself. Retry with the same Idempotency-Key after Retry-After seconds.",
    ),
}


class Problem(exceptions.APIException):
    """A refusal with a code of its own, and what else a program needs to act on it."""

    def __init__(
        self, status: int, code: str, detail: str, *, headers: dict[str, str] | None = None, **members: Any
    ) -> None:
        super().__init__(detail, code)
        self.status_code, self.code, self.text = status, code, detail
        self.headers, self.members = headers or {}, members


def plain(status: int) -> Problem:
    """The problem for a status that says no more than itself."""
    code, detail = PLAIN.get(status) or PLAIN[500 if status >= 500 else 400]
    headers = {"Retry-After": RETRY_AFTER_SECONDS} if status == 503 else None
    return Problem(status, code, detail, headers=headers)


def invalid(member: str, detail: str) -> Problem:
    """The problem of a member that is not what it must be."""
    errors = [{"member": member, "detail": detail}]
    return Problem(400, "invalid", f"{member}: {detail}", errors=errors)


def body_of(problem: Problem) -> dict[str, Any]:
    """The members of a problem, in the order in which they are sent."""
    return {
        "type": f"urn:coffer:problem:{problem.code}",
        "title": HTTPStatus(problem.status_code).phrase,
        "status": problem.status_code,
        "detail": problem.text,
        "code": problem.code,
        **problem.members,
    }


def respond(error: Exception, context: dict[str, Any]) -> Response:
    """Django REST framework's exception handler: whatever was raised becomes a problem, a bug among them."""
    problem = _problem(error)
    if problem.status_code == 500:
        log.error("api_bug", exc_info=error)
    elif problem.status_code == 503:
        log.warning("api_unavailable", code=problem.code, cause=type(error.__cause__ or error).__name__)
    headers = {**_headers(error), **problem.headers}
    return Response(body_of(problem), status=problem.status_code, headers=headers, content_type=CONTENT_TYPE)


def passes_by_itself(error: BaseException | None) -> bool:
    """Whether the database is away, a row stayed locked, or a server is just changing its part."""
    # A read-only server is about to become the writing one, or has just ceased to be.
    read_only = isinstance(getattr(error, "__cause__", None), ReadOnlySqlTransaction)
    return read_only or isinstance(error, OperationalError | InterfaceError)


def _problem(error: Exception) -> Problem:
    match error:
        case Problem():
            return error
        case exceptions.ValidationError():
            errors = list(_complaints(error.detail))
            return Problem(400, "invalid", _sentence(errors), errors=errors)
        case exceptions.APIException():
            code, _detail = PLAIN.get(error.status_code, PLAIN[400])
            return Problem(error.status_code, code, str(error.detail))
        case Http404():
            return plain(404)
        case PermissionDenied():
            return plain(403)
        case RequestDataTooBig():
            return plain(413)
        case UnreadablePostError() | MultiPartParserError() | BadRequest() | SuspiciousOperation():
            return plain(400)
    return plain(503 if passes_by_itself(error) else 500)


def _complaints(detail: Any, member: str = "") -> Any:
    """Flatten what serializers say into {member, detail}."""
    if isinstance(detail, dict):
        for name, inner in detail.items():
            place = member if name == "non_field_errors" else f"{member}.{name}".lstrip(".")
            yield from _complaints(inner, place)
    elif isinstance(detail, list | tuple):
        for inner in detail:
            yield from _complaints(inner, member)
    else:
        yield {"member": member, "detail": str(detail)}


def _sentence(errors: list[dict[str, str]]) -> str:
    return " ".join(f"{error['member']}: {error['detail']}".lstrip(": ") for error in errors)


def _headers(error: Exception) -> dict[str, str]:
    headers = {}
    if isinstance(error, exceptions.APIException):
        if header := getattr(error, "auth_header", None):
            headers["WWW-Authenticate"] = header
        if (wait := getattr(error, "wait", None)) is not None:
            headers["Retry-After"] = str(max(1, int(wait)))
    return headers
