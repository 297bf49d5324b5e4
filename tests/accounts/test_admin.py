"""People in the administration."""

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone

from accounts.models import User

LIST = "/admin/accounts/user/"


def browser_of(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="accounts.backends.PasswordBackend")
    return client


@pytest.fixture
def root(db: None) -> User:
    return User.objects.create_superuser("root@example.com", "root-password")


@pytest.fixture
def clerk(db: None) -> User:
    """May see, add and change users; is no superuser."""
    clerk = User.objects.create_user("clerk@example.com", "clerk-password", is_staff=True)
    names = ("view_user", "add_user", "change_user", "delete_user")
    clerk.user_permissions.set(Permission.objects.filter(codename__in=names))
    return clerk


def test_list_is_searched_by_address_and_number(root: User, alice: User, bob: User) -> None:
    for search in ("alice", str(alice.pk)):
        found = browser_of(root).get(LIST, {"q": search}).context["cl"].queryset

        assert list(found) == [alice]


def test_page_shows_no_trace_of_the_password(root: User, alice: User) -> None:
    page = browser_of(root).get(f"{LIST}{alice.pk}/change/").content.decode()

    _algorithm, salt, digest = alice.password.split("$")
    assert "alice@example.com" in page
    assert [part for part in (salt, salt[:2] + "***", digest, digest[:6]) if part in page] == []


def test_operator_adds_a_member(root: User) -> None:
    new = {"email": "Dora@example.com", "password1": "winter-lake-92", "password2": "winter-lake-92"}

    response = browser_of(root).post(f"{LIST}add/", new)

    dora = User.objects.get(email="dora@example.com")
    assert response.status_code == 302
    assert dora.check_password("winter-lake-92")


def test_taken_address_is_a_form_error(root: User, alice: User) -> None:
    new = {"email": "Alice@example.com", "password1": "winter-lake-92", "password2": "winter-lake-92"}

    response = browser_of(root).post(f"{LIST}add/", new)

    assert response.status_code == 200
    assert User.objects.filter(email="alice@example.com").count() == 1


def test_changed_address_is_no_longer_proven(root: User, alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(email_verified_at=timezone.now())

    browser_of(root).post(f"{LIST}{alice.pk}/change/", {"email": "Alice@New.example", "is_active": "on"})

    alice.refresh_from_db()
    assert (alice.email, alice.email_verified_at) == ("alice@new.example", None)


def test_member_cannot_lose_the_address(root: User, alice: User) -> None:
    response = browser_of(root).post(f"{LIST}{alice.pk}/change/", {"email": "", "is_active": "on"})

    alice.refresh_from_db()
    assert response.status_code == 200
    assert alice.email == "alice@example.com"


def test_guest_is_deactivated_and_stays_a_guest(root: User) -> None:
    guest = User.objects.create(is_guest=True)

    response = browser_of(root).post(f"{LIST}{guest.pk}/change/", {"email": "x@example.com", "is_guest": ""})

    guest.refresh_from_db()
    assert response.status_code == 302
    assert (guest.email, guest.is_guest, guest.is_active) == (None, True, False)


def test_nobody_is_deleted(root: User, alice: User) -> None:
    browser = browser_of(root)

    assert browser.post(f"{LIST}{alice.pk}/delete/", {"post": "yes"}).status_code == 403
    action = {"action": "delete_selected", "_selected_action": str(alice.pk), "post": "yes"}
    browser.post(LIST, action)
    assert User.objects.filter(pk=alice.pk).exists()


def test_clerk_cannot_give_rights(clerk: User, alice: User) -> None:
    rights = {"email": "alice@example.com", "is_active": "on", "is_staff": "on", "is_superuser": "on"}

    browser_of(clerk).post(f"{LIST}{alice.pk}/change/", rights)

    alice.refresh_from_db()
    assert (alice.is_staff, alice.is_superuser) == (False, False)


def test_clerk_cannot_become_the_superuser(clerk: User, root: User) -> None:
    browser = browser_of(clerk)
    new = {"password1": "winter-lake-92", "password2": "winter-lake-92"}

    assert browser.post(f"{LIST}{root.pk}/password/", new).status_code == 403
    assert browser.post(f"{LIST}{root.pk}/change/", {"email": "eve@example.com"}).status_code == 403
    root.refresh_from_db()
    assert root.check_password("root-password")


def test_buyer_sees_no_administration(alice_client: Client) -> None:
    response = alice_client.get(LIST)

    assert (response.status_code, response.headers["Location"]) == (302, f"/admin/login/?next={LIST}")


def test_an_ended_guest_is_only_looked_at(root: User, alice: User) -> None:
    guest = User.objects.create_guest()
    User.objects.filter(pk=guest.pk).update(merged_into=alice, is_active=False)

    page = browser_of(root).get(f"{LIST}{guest.pk}/change/").content.decode()
    response = browser_of(root).post(f"{LIST}{guest.pk}/change/", {"is_active": "on"})

    guest.refresh_from_db()
    assert "alice@example.com" in page
    assert (response.status_code, guest.is_active) == (302, False)
