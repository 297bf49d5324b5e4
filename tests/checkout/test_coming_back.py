"""The result leads back to where buying began, and to no other site."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.urls import URLPattern, get_resolver

from checkout.models import Tier

ELSEWHERE = [
    "https://evil.example/",
    "//evil.example",
    "////evil",
    "/\\evil.example",
    "javascript:alert(1)",
    "x" * 3000,
    "/accounts/logout/",  # takes forms only
]


def test_a_page_of_ours_is_kept(alice_client: Client, plus: Tier) -> None:
    page = alice_client.get("/pricing/?next=/credits/%3Fa=1").content.decode()
    assert '<input type="hidden" name="next" value="/credits/?a=1">' in page
    alice_client.post("/checkout/", {"tier": "plus", "next": "/credits/?a=1"})

    assert alice_client.session["came_from"] == "/credits/?a=1"


@pytest.mark.parametrize("url", ELSEWHERE)
def test_another_site_is_not(alice_client: Client, plus: Tier, url: str) -> None:
    alice_client.post("/checkout/", {"tier": "plus", "next": url})

    assert "came_from" not in alice_client.session


def _addresses(patterns: Any, before: str = "/", names: str = "") -> Iterator[tuple[str, str]]:
    """The name and an example of every address but the API's and the admin's own."""
    for pattern in patterns:
        route = before + str(pattern.pattern).strip("^$")
        if isinstance(pattern, URLPattern):
            yield f"{names}{pattern.name}", _EXAMPLES.sub(lambda found: _PARTS[found[1] or ""], route)
        elif pattern.namespace not in ("api", "admin"):
            yield from _addresses(
                pattern.url_patterns, route, f"{pattern.namespace}:" if pattern.namespace else ""
            )


_EXAMPLES = re.compile(r"<(?:(\w+):)?\w+>")
_PARTS = {"uuid": "00000000-0000-4000-8000-000000000000", "slug": "plus", "str": "x", "": "x"}


def test_whatever_takes_no_get_is_known_as_no_page(alice_client: Client) -> None:
    found = {name: alice_client.get(url).status_code for name, url in _addresses(get_resolver().url_patterns)}

    refused = {name for name, status in found.items() if status == 405}
    assert len(found) > 30
    assert refused | {"purchases:status", "admin:logout", "api"} == set(settings.VIEWS_WITHOUT_A_PAGE)
