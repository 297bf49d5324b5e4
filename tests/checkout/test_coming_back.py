"""The result leads back to where buying began, and to no other site."""

import pytest
from django.test import Client

from checkout.models import Tier

ELSEWHERE = [
    "https://evil.example/",
    "//evil.example",
    "////evil",
    "/\\evil.example",
    "javascript:alert(1)",
    "x" * 3000,
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
