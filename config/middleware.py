"""What surrounds every request: whom proxies may speak for, safe headers, the request's log lines."""

import codecs
import re
from collections.abc import Callable
from ipaddress import IPv4Address, ip_address, ip_network

import structlog
from csp.constants import HEADER
from csp.middleware import CSPMiddleware
from csp.utils import build_policy
from django.conf import settings
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponsePermanentRedirect
from django.http.response import HttpResponseBase
from django.middleware.common import CommonMiddleware
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.cache import patch_cache_control
from django_structlog.middlewares import RequestMiddleware

from rest.middleware import PREFIX as API

GetResponse = Callable[[HttpRequest], HttpResponseBase]

BY_ADDRESS = re.compile(r"/(healthz/|metrics$)")
FORWARDED = ("HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO", "HTTP_X_FORWARDED_HOST", "HTTP_FORWARDED")


class TrustedProxies:
    """Believe X-Forwarded-For and -Proto as far as TRUSTED_PROXY_COUNT proxies vouch for them, else drop them."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        addresses = _parts(request.META.get("HTTP_X_FORWARDED_FOR", ""))
        schemes = _parts(request.META.get("HTTP_X_FORWARDED_PROTO", ""))
        for header in FORWARDED:
            request.META.pop(header, None)
        count = settings.TRUSTED_PROXY_COUNT
        if count:
            # Each proxy appends what it saw: the last `count` entries are theirs, the first of them the client's.
            if len(addresses) >= count and _is_address(addresses[-count]):
                request.META["REMOTE_ADDR"] = addresses[-count]
            # A proxy that sets the scheme instead of appending leaves one.
            request.META["HTTP_X_FORWARDED_PROTO"] = schemes[-min(count, len(schemes))]
        return self.get_response(request)


class NamedHost(CommonMiddleware):
    """Django's, which refuses a Host that is not ours; but a probe and a scraper ask by address."""

    def process_request(self, request: HttpRequest) -> HttpResponsePermanentRedirect | None:
        return None if BY_ADDRESS.match(request.path_info) else super().process_request(request)


class OnlyUtf8:
    """Refuse requests in another charset: some can spell what neither the database nor a page can hold."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not _is_utf8((request.content_params or {}).get("charset", "utf-8")):
            if request.path.startswith(API):
                return HttpResponse(status=415)
            raise BadRequest("Only UTF-8 is understood.")
        return self.get_response(request)


class ContentPolicy(CSPMiddleware):
    """django-csp, which puts the policy together for each answer: here once, unless an answer asks for another."""

    _policy: object = None
    _words = ""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        asks = any(name.startswith("_csp") for name in (*vars(response), *vars(request)))
        if asks or settings.DEBUG:
            answered: HttpResponseBase = super().process_response(request, response)
            return answered
        if self._policy is not settings.CONTENT_SECURITY_POLICY:
            self._policy, self._words = settings.CONTENT_SECURITY_POLICY, build_policy()
        response.headers.setdefault(HEADER, self._words)
        return response


class SafeHeaders:
    """Keep personal pages out of every cache, switch off browser features that no page uses, name the request."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        response.headers.setdefault(
            "Permissions-Policy",
            "camera=(), geolocation=(), microphone=(), payment=(), usb=(), browsing-topics=()",
        )
        if "Cache-Control" not in response.headers:
            patch_cache_control(response, private=True, no_store=True)
        if request_id := getattr(request, "request_id", None):
            response.headers["X-Request-ID"] = request_id
        return response


class FormsOnly:
    """Say in a page what an empty 405 would not: a POST address was opened as if it were one."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if request.method == "GET" and isinstance(response, HttpResponseNotAllowed) and not response.content:
            context = {"request_id": getattr(request, "request_id", ""), "back_url": _page_behind(request)}
            response.content = render_to_string("405.html", context)
        return response


class RequestLog(RequestMiddleware):
    """One line at a request's start and end, with its id, which error pages show as the reference."""

    def prepare(self, request: HttpRequest) -> None:
        super().prepare(request)
        request.request_id = structlog.contextvars.get_contextvars()["request_id"]  # type: ignore[attr-defined]

    @staticmethod
    def format_request(request: HttpRequest) -> str:
        """The method and the route: a path may carry a token, a query an e-mail address."""
        match = request.resolver_match
        if match is None:
            return f"{request.method}"
        ids = {name: str(value) for name, value in match.kwargs.items() if name not in ("token", "uidb64")}
        return f"{request.method} /{match.route} {ids}" if ids else f"{request.method} /{match.route}"

    @staticmethod
    def bind_user_id(request: HttpRequest) -> None:
        """Bind the user's id where a view has already loaded it: logging must never query the database."""
        user = getattr(request, "_cached_user", None)
        if user is not None:
            structlog.contextvars.bind_contextvars(user_id=user.pk)


def client_address(request: HttpRequest) -> str | None:
    """The address that throttles count, after TrustedProxies has decided whom to believe; None on a socket file.

    Of IPv6 it is the first one of the network that a household has.
    """
    given = request.META.get("REMOTE_ADDR")
    if not given:
        return None
    address = ip_address(given)
    if isinstance(address, IPv4Address):
        return str(address)
    if address.ipv4_mapped:  # a server that listens to both kinds writes IPv4 so
        return str(address.ipv4_mapped)
    return str(ip_network((int(address), 64), strict=False).network_address)


def _page_behind(request: HttpRequest) -> str:
    """The page whose form leads to this address; empty where there is none."""
    ids = request.resolver_match.kwargs if request.resolver_match else {}
    if "session_id" in ids:
        return reverse("checkout:detail", args=[ids["session_id"]])
    if "purchase_id" in ids:
        return reverse("purchases:return", args=[ids["purchase_id"]])
    return ""


def _parts(header: str) -> list[str]:
    return [part.strip() for part in header.split(",")]


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _is_utf8(charset: str) -> bool:
    try:
        return codecs.lookup(charset).name == "utf-8"
    except LookupError:
        return True  # Django takes an unknown charset for UTF-8
