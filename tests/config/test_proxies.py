"""Forged Host and X-Forwarded-* headers: refused, or without effect unless a proxy vouches for them."""

from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory

from config.middleware import TrustedProxies, client_address

FORGED = {
    "HTTP_X_FORWARDED_FOR": "192.0.2.66",
    "HTTP_X_FORWARDED_PROTO": "https",
    "HTTP_X_FORWARDED_HOST": "evil.example",
    "HTTP_FORWARDED": "for=192.0.2.66;proto=https;host=evil.example",
}


@pytest.fixture(autouse=True)
def _https_is_told_by_a_proxy(settings: Any) -> None:
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")


def seen(**headers: str) -> HttpRequest:
    """The request as the views see it; it came from 203.0.113.1."""
    passed: list[HttpRequest] = []

    def view(request: HttpRequest) -> HttpResponse:
        passed.append(request)
        return HttpResponse()

    request = RequestFactory(REMOTE_ADDR="203.0.113.1").get("/")
    request.META.update(headers)
    TrustedProxies(view)(request)
    return passed[0]


@pytest.mark.parametrize(
    "host", ["evil.example", "testserver.evil.example", "evil.example:80", "a b", "testserver@evil"]
)
def test_forged_host_is_refused(db: None, host: str) -> None:
    response = Client().get("/accounts/login/", headers={"host": host})

    assert response.status_code == 400
    assert "evil" not in response.content.decode()


def test_forged_host_is_refused_before_a_redirect(db: None) -> None:
    assert Client().get("/", headers={"host": "evil.example"}).status_code == 400


def test_without_a_proxy_nothing_forwarded_counts() -> None:
    request = seen(**FORGED)

    assert client_address(request) == "203.0.113.1"
    assert request.is_secure() is False
    assert request.get_host() == "testserver"
    assert [name for name in FORGED if name in request.META] == []


@pytest.mark.parametrize(
    ("count", "chain", "address"),
    [
        (1, "192.0.2.1", "192.0.2.1"),
        (1, "198.51.100.66, 192.0.2.1", "192.0.2.1"),
        (2, "192.0.2.1, 198.51.100.2", "192.0.2.1"),
        (2, "198.51.100.66, 192.0.2.1, 198.51.100.2", "192.0.2.1"),
        (1, "2001:db8:0:1:2:3:4:5", "2001:db8:0:1::"),
        (1, "::ffff:192.0.2.1", "192.0.2.1"),
        (2, "192.0.2.1", "203.0.113.1"),
        (1, "", "203.0.113.1"),
        (1, "unknown", "203.0.113.1"),
        (1, "192.0.2.1, '; drop table", "203.0.113.1"),
    ],
)
def test_a_proxy_vouches_for_the_address_that_it_saw(
    settings: Any, count: int, chain: str, address: str
) -> None:
    settings.TRUSTED_PROXY_COUNT = count

    assert client_address(seen(HTTP_X_FORWARDED_FOR=chain)) == address


@pytest.mark.parametrize(
    ("count", "schemes", "is_secure"),
    [
        (1, "https", True),
        (1, "http", False),
        (1, "https, http", False),
        (1, "http, https", True),
        (2, "https, http", True),
        (2, "https", True),
        (2, "https, http, http", False),
        (1, "", False),
    ],
)
def test_a_proxy_vouches_for_the_scheme(settings: Any, count: int, schemes: str, is_secure: bool) -> None:
    settings.TRUSTED_PROXY_COUNT = count

    assert seen(HTTP_X_FORWARDED_PROTO=schemes).is_secure() is is_secure


def test_a_proxy_does_not_choose_the_host(settings: Any) -> None:
    settings.TRUSTED_PROXY_COUNT = 1

    assert seen(**FORGED).get_host() == "testserver:80"


def test_a_socket_file_has_no_address() -> None:
    assert client_address(RequestFactory(REMOTE_ADDR="").get("/")) is None
