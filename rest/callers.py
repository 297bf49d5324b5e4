"""Who calls: a back end with a key, a person with a session, or nobody; and what each may do."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from rest_framework.authentication import CSRFCheck, SessionAuthentication
from rest_framework.exceptions import MethodNotAllowed, NotAuthenticated
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from rest.problems import Problem


@dataclass(frozen=True, kw_only=True)
class Caller:
    """The client behind a valid key."""

    client: int
    scopes: frozenset[str]

    @property
    def scope(self) -> str:
        """Whose idempotency keys, holds and spends: the client's, whichever of its keys it shows."""
        return f"client:{self.client}"


class Admitting(Protocol):
    """What a view says of those it lets in."""

    required_scopes: Mapping[str, str]
    admits_buyers: bool
    admits_visitors: bool


class Admitted(BasePermission):
    """401 for nobody, 403 for a key without the scope and for a session where only keys are taken."""

    def has_permission(self, request: Request, view: Any) -> bool:
        method = (request.method or "").replace("HEAD", "GET")
        if method == "OPTIONS" or not hasattr(view, method.lower()):
            raise MethodNotAllowed(method)
        if isinstance(request.auth, Caller):
            _admit_key(request.auth, view, method)
        elif request.user.is_authenticated:
            if not (view.admits_buyers or view.admits_visitors):
                raise Problem(403, "key_required", "Only an API key may do this.")
        elif not view.admits_visitors:
            raise NotAuthenticated("Show an API key, or sign in.")
        return True


class BuyerAuthentication(SessionAuthentication):
    """The session of a signed-in person or guest; what changes something needs the CSRF token."""

    def enforce_csrf(self, request: Any) -> None:
        require_csrf(getattr(request, "_request", request))


def require_csrf(request: HttpRequest) -> None:
    """Raise the 403 for a request without its token, whoever sent it."""
    check = CSRFCheck(_no_view)
    check.process_request(request)
    if check.process_view(request, _no_view, (), {}):
        raise Problem(403, "csrf_failed", "The CSRF token is missing or wrong: send X-CSRFToken.")


def _no_view(request: HttpRequest) -> HttpResponseBase:
    raise AssertionError("the check only looks")


def _admit_key(caller: Caller, view: Admitting, method: str) -> None:
    scope = view.required_scopes.get(method)
    if scope is None:
        if not view.admits_visitors:
            raise Problem(403, "session_required", "This belongs to a signed-in buyer: a key has none.")
    elif scope not in caller.scopes:
        raise Problem(403, "scope_missing", f"The key lacks the scope {scope}.", required_scope=scope)
