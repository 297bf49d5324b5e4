"""A brand's colour, logo and terms: by settings, readable, and without a hole in the content security policy."""

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from accounts.models import User
from checkout import sessions
from checkout.models import Tier
from config.colours import DARK_GROUND, LIGHT_GROUND, READABLE, contrast, palette
from purchases.models import Purchase
from tests.sandbox_process import SandboxProcess

COLOURS = ["#0b6a58", "#ffff00", "#ff0000", "#000000", "#ffffff", "#7f7f7f", "#1da1f2"]


@pytest.mark.parametrize("colour", COLOURS)
def test_every_colour_becomes_readable(colour: str) -> None:
    shades = palette(colour)

    assert contrast(shades.accent, LIGHT_GROUND) >= READABLE
    assert contrast(shades.dark_accent, DARK_GROUND) >= READABLE
    assert contrast(shades.on_accent, shades.accent) >= READABLE
    assert contrast(shades.on_dark_accent, shades.dark_accent) >= READABLE


def test_a_readable_colour_stays_as_it_is() -> None:
    assert palette("#0b6a58").accent == "#0b6a58"


@pytest.mark.parametrize("colour", ["green", "#fff", "#12345g", "#123456; } body { display: none"])
def test_what_is_no_colour_is_refused(colour: str) -> None:
    with pytest.raises(ValueError, match="is no colour"):
        palette(colour)


def test_the_colour_comes_as_a_style_sheet(client: Client, db: None, settings: Settings) -> None:
    settings.BRAND_COLOR, settings.BRAND_PALETTE = "#7a1fa2", palette("#7a1fa2")

    assert '<link rel="stylesheet" href="/brand.css?7a1fa2">' in client.get("/pricing/").content.decode()
    sheet = client.get("/brand.css")
    assert (sheet["Content-Type"], sheet["Cache-Control"]) == (
        "text/css; charset=utf-8",
        "public, max-age=3600",
    )
    assert "--accent: #7a1fa2;" in sheet.content.decode()


def test_a_logo_takes_the_place_of_ours(client: Client, db: None, settings: Settings) -> None:
    settings.BRAND_LOGO, settings.BRAND_NAME = "img/favicon.svg", "Gem & Co"
    page = client.get("/pricing/").content.decode()

    assert '<img class="logo" src="/static/img/favicon.svg"' in page
    assert "Gem &amp; Co" in page


def test_pay_wants_consent_where_it_is_set(
    alice: User, alice_client: Client, plus: Tier, stripe: SandboxProcess, settings: Settings
) -> None:
    settings.TERMS_URL, settings.TERMS_CONSENT = "https://shop.example.com/terms", True
    session = sessions.start(owner=alice, tier=plus)
    pay = f"/purchases/pay/{session.pk}/"

    assert 'name="terms"' in alice_client.get(f"/checkout/{session.pk}/").content.decode()
    assert alice_client.post(pay)["Location"] == f"/checkout/{session.pk}/"
    assert Purchase.objects.count() == 0
    assert alice_client.post(pay, {"terms": "accepted"}).status_code == 303


def test_terms_are_linked_without_a_tick(
    alice: User, alice_client: Client, plus: Tier, settings: Settings
) -> None:
    settings.TERMS_URL = "https://shop.example.com/terms"
    page = alice_client.get(f"/checkout/{sessions.start(owner=alice, tier=plus).pk}/").content.decode()

    assert 'href="https://shop.example.com/terms"' in page
    assert 'name="terms"' not in page
