"""Addresses that fail in known ways, for test_error_pages."""

from django.contrib.sessions.models import Session
from django.core.exceptions import PermissionDenied
from django.db import InterfaceError, OperationalError, connection
from django.http import HttpRequest, HttpResponse
from django.urls import path

from checkout.models import Tier
from config.urls import handler400, handler403, handler404, handler500, urlpatterns

__all__ = ["handler400", "handler403", "handler404", "handler500"]


def a_bug(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("a bug that names alice@example.com")


def a_lock(request: HttpRequest) -> HttpResponse:
    raise OperationalError("canceling statement due to lock timeout")


def a_lost_connection(request: HttpRequest) -> HttpResponse:
    raise InterfaceError("connection already closed")


def a_slow_statement(request: HttpRequest) -> HttpResponse:
    with connection.cursor() as cursor:
        cursor.execute("set statement_timeout = 50")
        cursor.execute("select pg_sleep(5)")
    return HttpResponse()


def a_read_only_server(request: HttpRequest) -> HttpResponse:
    with connection.cursor() as cursor:
        cursor.execute("set default_transaction_read_only = on")
        cursor.execute("delete from django_session")
    return HttpResponse()


def a_session_on_a_read_only_server(request: HttpRequest) -> HttpResponse:
    with connection.cursor() as cursor:
        cursor.execute("set default_transaction_read_only = on")
    request.session["kept"] = "after the view"
    return HttpResponse()


def a_session_that_is_gone(request: HttpRequest) -> HttpResponse:
    request.session["kept"] = "after the view"
    Session.objects.all().delete()
    return HttpResponse()


def a_refused_row(request: HttpRequest) -> HttpResponse:
    Tier.objects.create(slug="x", name=request.GET["name"], credits=0, price_minor=1, currency="USD")
    return HttpResponse()


def a_refusal(request: HttpRequest) -> HttpResponse:
    raise PermissionDenied


urlpatterns = [
    *urlpatterns,
    path("a-bug/", a_bug),
    path("a-lock/", a_lock),
    path("a-lost-connection/", a_lost_connection),
    path("a-slow-statement/", a_slow_statement),
    path("a-read-only-server/", a_read_only_server),
    path("a-session-on-a-read-only-server/", a_session_on_a_read_only_server),
    path("a-session-that-is-gone/", a_session_that_is_gone),
    path("a-refused-row/", a_refused_row),
    path("a-refusal/", a_refusal),
]
