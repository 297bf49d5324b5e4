"""Making an account."""

from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from accounts import registration as registering
from accounts.errors import AddressTaken
from accounts.models import User

REGISTER = "/accounts/register/"


def test_registering_signs_in_and_leads_to_the_prices(visitor: Client, registration: dict[str, Any]) -> None:
    response = visitor.post(REGISTER, registration)

    dora = User.objects.get(email="dora@example.com")
    assert (response.status_code, response.headers["Location"]) == (302, "/pricing/")
    assert visitor.session["_auth_user_id"] == str(dora.pk)
    assert dora.check_password("winter-lake-92")
    assert (dora.is_guest, dora.is_staff, dora.email_verified_at) == (False, False, None)


def test_registering_leads_back_to_next(visitor: Client, registration: dict[str, Any]) -> None:
    response = visitor.post(REGISTER, {**registration, "next": "/pricing/plus/"})

    assert response.headers["Location"] == "/pricing/plus/"


@pytest.mark.parametrize("typed", ["Dora@Example.COM", "  dora@example.com ", "dora@EXAMPLE.com"])
def test_address_is_kept_in_lower_case(visitor: Client, registration: dict[str, Any], typed: str) -> None:
    visitor.post(REGISTER, {**registration, "email": typed})

    assert [user.email for user in User.objects.all()] == ["dora@example.com"]


def test_a_foreign_domain_is_kept_in_one_spelling(visitor: Client, registration: dict[str, Any]) -> None:
    visitor.post(REGISTER, {**registration, "email": "dora@BÜCHER.example"})

    assert [user.email for user in User.objects.all()] == ["dora@xn--bcher-kva.example"]


@pytest.mark.parametrize("typed", ["alice@example.com", "ALICE@example.com"])
def test_taken_address_is_refused_without_saying_why(
    visitor: Client, alice: User, registration: dict[str, Any], typed: str
) -> None:
    response = visitor.post(REGISTER, {**registration, "email": typed})

    assert response.status_code == 200
    assert response.context["form"].errors == {
        "email": [
            "An account cannot be made with this address. If it is yours, sign in or set a new password."
        ]
    }
    assert "_auth_user_id" not in visitor.session
    assert User.objects.count() == 1
    alice.refresh_from_db()
    assert alice.check_password("alice-password")


def test_address_taken_meanwhile_is_refused(alice: User) -> None:
    with pytest.raises(AddressTaken):
        registering.register(email="Alice@Example.com", password="winter-lake-92")

    assert User.objects.count() == 1


def test_database_refuses_an_address_in_capitals(db: None) -> None:
    with pytest.raises(IntegrityError, match="accounts_user_email_lower_case"), transaction.atomic():
        User.objects.bulk_create([User(email="Dora@example.com")])


def test_database_refuses_a_member_without_address(db: None) -> None:
    with pytest.raises(IntegrityError, match="accounts_user_guest_iff_no_email"), transaction.atomic():
        User.objects.bulk_create([User(email=None, is_guest=False)])


def test_database_refuses_a_guest_with_address(db: None) -> None:
    with pytest.raises(IntegrityError, match="accounts_user_guest_iff_no_email"), transaction.atomic():
        User.objects.bulk_create([User(email="dora@example.com", is_guest=True)])


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"email": ""}, "email"),
        ({"email": "dora"}, "email"),
        ({"email": "dora\x00@example.com"}, "email"),
        ({"email": "dora@exa\ud800mple.com".encode("utf-8", "surrogatepass")}, "email"),
        ({"email": "d" * 250 + "@example.com"}, "email"),
        ({"email": "@" + "a." * 200_000}, "email"),
        ({"email": "dora@example.com\r\nBcc: eve@evil.example"}, "email"),
        ({"password1": "short", "password2": "short"}, "password2"),
        ({"password1": "password", "password2": "password"}, "password2"),
        ({"password1": "dora@example.com", "password2": "dora@example.com"}, "password2"),
        ({"password2": "winter-lake-93"}, "password2"),
        ({"password1": "winter\x00lake-92", "password2": "winter\x00lake-92"}, "password1"),
    ],
)
def test_what_makes_no_sense_is_told_at_its_field(
    visitor: Client, registration: dict[str, Any], changed: dict[str, Any], field: str
) -> None:
    response = visitor.post(REGISTER, {**registration, **changed})

    assert response.status_code == 200
    assert field in response.context["form"].errors
    assert User.objects.count() == 0


def test_nobody_registers_as_staff(visitor: Client, registration: dict[str, Any]) -> None:
    visitor.post(
        REGISTER, {**registration, "is_staff": "1", "is_superuser": "1", "email_verified_at": "2020-01-01"}
    )

    dora = User.objects.get()
    assert (dora.is_staff, dora.is_superuser, dora.email_verified_at) == (False, False, None)


def test_session_key_and_token_are_new_after_registering(db: None, registration: dict[str, Any]) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.get(REGISTER)
    before = browser.cookies["csrftoken"].value
    session = browser.session
    session["fixed"] = "by somebody else"
    session.save()
    fixed_key = session.session_key

    browser.post(REGISTER, {**registration, "csrfmiddlewaretoken": before})

    assert browser.session["_auth_user_id"] == str(User.objects.get().pk)
    assert browser.session.session_key != fixed_key
    assert browser.cookies["csrftoken"].value != before


def test_form_without_its_token_is_refused(db: None, registration: dict[str, Any]) -> None:
    response = Client(enforce_csrf_checks=True).post(REGISTER, registration)

    assert response.status_code == 403
    assert User.objects.count() == 0
