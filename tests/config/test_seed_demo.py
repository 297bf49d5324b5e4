"""Something to sell, and under DEBUG somebody to sign in as."""

import io
import json
from typing import Any

import pytest
from django.core.management import call_command

from accounts.models import User
from checkout.models import Tier


def seed(*words: str) -> dict[str, Any]:
    printed = io.StringIO()
    call_command("seed_demo", *words, "--json", stdout=printed)
    told: dict[str, Any] = json.loads(printed.getvalue())
    return told


def test_three_tiers_are_for_sale(db: None) -> None:
    seed()

    fields = ("slug", "credits", "bonus_credits", "price_minor", "currency", "active")
    assert list(Tier.objects.order_by("order").values_list(*fields)) == [
        ("starter", 50, 0, 500, "USD", True),
        ("plus", 200, 20, 1800, "USD", True),
        ("pro", 400, 60, 3200, "USD", True),
    ]


def test_users_are_made_under_debug(db: None, settings: Any) -> None:
    settings.DEBUG = True

    told = seed()

    demo, admin = User.objects.get(email="demo@example.com"), User.objects.get(email="admin@example.com")
    assert told == {"tiers": 3, "users": 2}
    assert (demo.check_password("demo-password"), demo.is_staff) == (True, False)
    assert (admin.check_password("demo-password"), admin.is_superuser) == (True, True)


@pytest.mark.parametrize(("debug", "words"), [(False, []), (True, ["--tiers-only"])])
def test_no_users_are_made_otherwise(db: None, settings: Any, debug: bool, words: list[str]) -> None:
    settings.DEBUG = debug

    assert seed(*words) == {"tiers": 3, "users": 0}
    assert User.objects.count() == 0


def test_seeding_again_changes_nothing_that_an_operator_changed(db: None, settings: Any) -> None:
    settings.DEBUG = True
    seed()
    Tier.objects.filter(slug="plus").update(price_minor=1900)

    assert seed() == {"tiers": 0, "users": 0}
    assert Tier.objects.get(slug="plus").price_minor == 1900


def test_people_are_told_in_words(db: None) -> None:
    printed = io.StringIO()
    call_command("seed_demo", stdout=printed)

    assert printed.getvalue() == "3 tiers and 0 users made\n"
