"""Who is who: a session for a visitor's browser, and the account of a user for another back end."""

from typing import Any, ClassVar

from django.conf import settings
from django.http import Http404
from django.middleware.csrf import get_token
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import NotAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.addresses import LONGEST, normalised
from accounts.models import User
from credits.accounts import account_of
from credits.api.endpoint import LedgerEndpoint
from credits.api.refusals import MERGED, problem_of
from rest.bodies import Body, members_of
from rest.callers import require_csrf
from rest.endpoint import Endpoint
from rest.problems import plain

MOST_ID = 2**63 - 1


@extend_schema_field({"oneOf": [{"type": "integer", "minimum": 1}, {"type": "string", "maxLength": LONGEST}]})
class IdOrEmail(serializers.Field[int | str, int | str, Any, Any]):
    """A user's number, or the e-mail address that they sign in with."""

    def to_internal_value(self, data: Any) -> int | str:
        if isinstance(data, str) and data.isascii() and data.isdigit() and len(data) < 20:
            data = int(data)
        if type(data) is int and 1 <= data <= MOST_ID:
            return data
        if isinstance(data, str) and 1 <= len(data) <= LONGEST and "\0" not in data:
            return data
        raise serializers.ValidationError("A user's number, or an e-mail address.")


class LookupBody(Body):
    """Whose account is wanted."""

    example: ClassVar = {"user": "alice@example.com"}

    user = IdOrEmail()


class LookupAnswer(serializers.Serializer[Any]):
    """The number of the account, for the addresses of the other calls."""

    example: ClassVar = {"account": "0192f0c1-2b3a-7c4d-8e5f-60718293a4b5"}

    account = serializers.UUIDField()


class BrowserBody(Body):
    """Nothing."""


class BrowserAnswer(serializers.Serializer[Any]):
    """Whose session the browser has now. The token goes into X-CSRFToken of what follows."""

    example: ClassVar = {"is_guest": True, "csrf_token": "yNT7rL"}

    is_guest = serializers.BooleanField()
    csrf_token = serializers.CharField()


class SessionView(Endpoint):
    """A visitor becomes a guest; whoever is signed in stays who they are."""

    # The guest is made by accounts.middleware.Guests, before this runs and after the CSRF check.
    admits_visitors = True

    @extend_schema(
        operation_id="session",
        summary="A session for this browser",
        request=BrowserBody,
        responses={201: BrowserAnswer, 200: BrowserAnswer},
    )
    def post(self, request: Request) -> Response:
        require_csrf(request._request)
        members_of(request, BrowserBody)
        if not isinstance(request.user, User):
            raise NotAuthenticated("This browser has an account: sign in.")
        is_new = request.COOKIES.get(settings.SESSION_COOKIE_NAME) != request.session.session_key
        answer = {"is_guest": request.user.is_guest, "csrf_token": get_token(request._request)}
        return Response(answer, status=201 if is_new else 200)


class LookupView(LedgerEndpoint):
    """From a user to the account, without a name in an address."""

    required_scopes: ClassVar = {"POST": "read"}
    refuses: ClassVar = {"POST": [plain(404), problem_of(MERGED)]}

    @extend_schema(
        operation_id="lookup",
        summary="Find the account of a user",
        request=LookupBody,
        responses=LookupAnswer,
    )
    def post(self, request: Request) -> Response:
        wanted = members_of(request, LookupBody)["user"]
        known = {"pk": wanted} if isinstance(wanted, int) else {"email": normalised(wanted)}
        user = User.objects.filter(**known).first()
        if user is None:
            raise Http404
        return Response({"account": str(account_of(user))})
