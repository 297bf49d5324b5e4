"""Ten wrong passwords for one name, or from one address, are enough."""

import pytest
from django.test import Client

from accounts.models import User

LOGIN = "/accounts/login/"


def guess(browser: Client, name: str = "alice@example.com", password: str = "wrong", **meta: str) -> int:
    return browser.post(LOGIN, {"username": name, "password": password}, **meta).status_code  # type: ignore[arg-type]


def test_tenth_wrong_password_for_a_name_locks_it(visitor: Client, alice: User) -> None:
    tries = [guess(visitor, REMOTE_ADDR=f"192.0.2.{number}") for number in range(10)]

    assert tries == [200] * 9 + [429]
    assert guess(visitor, password="alice-password", REMOTE_ADDR="198.51.100.1") == 429
    assert "_auth_user_id" not in visitor.session


def test_tenth_wrong_password_from_an_address_locks_it(visitor: Client, alice: User) -> None:
    tries = [guess(visitor, f"person{number}@example.com") for number in range(10)]

    assert tries == [200] * 9 + [429]
    assert guess(visitor, password="alice-password") == 429


def test_a_household_is_one_address(visitor: Client, alice: User) -> None:
    tries = [
        guess(visitor, f"person{number}@example.com", REMOTE_ADDR=f"2001:db8:1:1::{number}")
        for number in range(10)
    ]

    assert tries == [200] * 9 + [429]
    assert guess(visitor, password="alice-password", REMOTE_ADDR="2001:db8:1:1:ff::1") == 429
    assert guess(visitor, password="alice-password", REMOTE_ADDR="2001:db8:1:2::1") == 302


def test_people_whose_addresses_are_written_as_ipv6_are_several(visitor: Client, alice: User) -> None:
    """As a server that listens to both kinds writes those of IPv4."""
    for number in range(10):
        guess(visitor, f"person{number}@example.com", REMOTE_ADDR="::ffff:192.0.2.1")

    assert guess(visitor, password="alice-password", REMOTE_ADDR="192.0.2.1") == 429
    assert guess(visitor, password="alice-password", REMOTE_ADDR="::ffff:192.0.2.2") == 302


def test_another_name_from_another_address_is_free(visitor: Client, alice: User, bob: User) -> None:
    for number in range(10):
        guess(visitor, REMOTE_ADDR=f"192.0.2.{number}")

    assert guess(visitor, "bob@example.com", "bob-password", REMOTE_ADDR="198.51.100.1") == 302


def test_another_case_is_the_same_name(visitor: Client, alice: User) -> None:
    names = ["alice@example.com", "Alice@example.com", "ALICE@EXAMPLE.COM", " aLice@example.com"]

    tries = [guess(visitor, names[number % 4], REMOTE_ADDR=f"192.0.2.{number}") for number in range(10)]

    assert tries == [200] * 9 + [429]


def test_rotating_forwarded_addresses_does_not_help(visitor: Client, alice: User) -> None:
    tries = [
        guess(visitor, f"person{number}@example.com", HTTP_X_FORWARDED_FOR=f"192.0.2.{number}")
        for number in range(10)
    ]

    assert tries == [200] * 9 + [429]


def test_rotating_what_stands_before_the_proxys_word_does_not_help(
    visitor: Client, alice: User, settings: pytest.FixtureRequest
) -> None:
    settings.TRUSTED_PROXY_COUNT = 1  # type: ignore[attr-defined]
    forwarded = [f"192.0.2.{number}, 203.0.113.9" for number in range(10)]

    tries = [
        guess(visitor, f"person{number}@example.com", HTTP_X_FORWARDED_FOR=chain)
        for number, chain in enumerate(forwarded)
    ]

    assert tries == [200] * 9 + [429]
    assert guess(visitor, "alice@example.com", "alice-password", HTTP_X_FORWARDED_FOR="203.0.113.10") == 302


def test_locked_page_says_what_to_do(visitor: Client, alice: User) -> None:
    for _ in range(9):
        guess(visitor)

    page = visitor.post(LOGIN, {"username": "alice@example.com", "password": "wrong"})

    assert page.status_code == 429
    assert "accounts/locked_out.html" in [template.name for template in page.templates]
    assert "alice@example.com" not in page.content.decode()


def test_sign_in_of_the_administration_is_counted_too(visitor: Client, alice: User) -> None:
    tries = [
        visitor.post("/admin/login/", {"username": "alice@example.com", "password": "wrong"}).status_code
        for _ in range(10)
    ]

    assert tries == [200] * 9 + [429]


def test_guessing_the_old_password_is_counted_too(alice_client: Client) -> None:
    wrong = {"old_password": "wrong", "new_password1": "winter-lake-92", "new_password2": "winter-lake-92"}

    tries = [alice_client.post("/accounts/password-change/", wrong).status_code for _ in range(10)]

    assert tries == [200] * 9 + [429]


def test_whoever_is_slowed_is_told_for_how_long(visitor: Client, alice: User) -> None:
    answers = [visitor.post(LOGIN, {"username": "alice@example.com", "password": "wrong"}) for _ in range(10)]

    assert answers[-1].headers["Retry-After"] == "1800"
