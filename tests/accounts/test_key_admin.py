"""Clients and keys in the admin: shown once, rotated, revoked."""

import re

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.test import Client

from accounts import api_keys
from accounts.api_keys import NewKey, caller_of
from accounts.models import ApiClient, ApiKey, User

LIST = "/admin/accounts/apiclient/"
KEYS = "/admin/accounts/apikey/"


@pytest.fixture
def made(db: None) -> NewKey:
    return api_keys.create(name="Shop", scopes=["read"])


def key_in(page: bytes) -> str:
    found = re.search(r"shown only now: (\w{8}\.\w{32})", page.decode())
    assert found, "no key is shown"
    return found[1]


def test_new_client_has_a_key_that_is_shown_once(admin_client: Client) -> None:
    form = {"name": "Shop", "may_read": "on", "may_grant": "on"}

    page = admin_client.post(f"{LIST}add/", form, follow=True)

    caller = caller_of(key_in(page.content))
    assert caller is not None
    assert caller.scopes == frozenset({"read", "grant"})
    assert b"shown only now" not in admin_client.get(LIST).content


def test_client_that_may_do_nothing_is_refused(admin_client: Client) -> None:
    page = admin_client.post(f"{LIST}add/", {"name": "Idle"})

    assert b"Choose what it may do." in page.content
    assert not ApiClient.objects.exists()


def test_rotation_shows_the_new_key_and_is_logged(admin_client: Client, made: NewKey) -> None:
    form = {"action": "rotate", "_selected_action": [made.client.pk]}

    page = admin_client.post(LIST, form, follow=True)

    assert caller_of(key_in(page.content)) == caller_of(made.key)
    assert LogEntry.objects.get().get_change_message() == "Rotated the key."


def test_revoked_client_is_refused(admin_client: Client, made: NewKey) -> None:
    admin_client.post(LIST, {"action": "revoke", "_selected_action": [made.client.pk]})

    assert caller_of(made.key) is None
    assert LogEntry.objects.get().get_change_message() == "Revoked."


def test_key_is_listed_without_its_secret_and_can_be_revoked(admin_client: Client, made: NewKey) -> None:
    key = ApiKey.objects.get()
    pages = admin_client.get(KEYS).content + admin_client.get(f"{KEYS}{key.pk}/change/").content
    assert made.prefix.encode() in pages
    assert key.hashed_key.encode() not in pages

    admin_client.post(KEYS, {"action": "revoke", "_selected_action": [key.pk]})

    assert caller_of(made.key) is None


@pytest.mark.parametrize("path", [f"{KEYS}add/", f"{LIST}1/delete/", f"{KEYS}1/delete/"])
def test_nothing_is_deleted_and_no_key_made_by_hand(admin_client: Client, made: NewKey, path: str) -> None:
    assert admin_client.get(path).status_code in (302, 403)


def test_staff_who_may_only_look_revoke_nothing(db: None, made: NewKey) -> None:
    staff = User.objects.create_user("staff@example.com", "x", is_staff=True)
    staff.user_permissions.set(Permission.objects.filter(codename__in=["view_apiclient", "view_apikey"]))
    client = Client()
    client.force_login(staff, backend="accounts.backends.PasswordBackend")

    assert client.get(LIST).status_code == 200
    for path, action in ((LIST, "revoke"), (LIST, "rotate"), (KEYS, "revoke")):
        client.post(path, {"action": action, "_selected_action": [1, made.client.pk]})

    assert caller_of(made.key) is not None
    assert ApiKey.objects.count() == 1
