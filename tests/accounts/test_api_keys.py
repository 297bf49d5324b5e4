"""Keys of other back ends, and the command that makes them."""

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError
from django.db.models.functions import Now
from django.utils import timezone

from accounts import api_keys
from accounts.api_keys import NewKey, caller_of
from accounts.models import ApiClient, ApiKey, User
from tests.together import together

pytestmark = pytest.mark.django_db


@pytest.fixture
def made() -> NewKey:
    return api_keys.create(name="Shop", scopes=["read", "spend"])


def command(*arguments: str) -> str:
    out = StringIO()
    call_command("create_api_key", *arguments, stdout=out, stderr=StringIO())
    return out.getvalue()


def test_key_is_recognised_with_its_scopes(made: NewKey) -> None:
    caller = caller_of(made.key)

    assert caller is not None
    assert (caller.client, caller.scopes) == (made.client.pk, frozenset({"read", "spend"}))


def test_only_its_hash_is_kept(made: NewKey) -> None:
    stored = ApiKey.objects.get()

    assert stored.hashed_key.startswith("sha512$$")
    assert made.key.partition(".")[2] not in "".join(map(str, vars(stored).values()))


@pytest.mark.parametrize("key", ["", "x", "a.b", "é.x", "a" * 500, "%s.x", "\0.x"])
def test_made_up_key_is_nobodys(key: str) -> None:
    assert caller_of(key) is None


def test_right_prefix_with_another_secret_is_nobodys(made: NewKey) -> None:
    assert caller_of(f"{made.prefix}.{'x' * 32}") is None


def test_revoked_key_and_revoked_client_are_refused(made: NewKey) -> None:
    newer = api_keys.rotate(client=made.client)
    api_keys.revoke(ApiKey.objects.get(prefix=newer.prefix))
    assert caller_of(newer.key) is None
    assert caller_of(made.key) is not None

    api_keys.revoke_client(made.client)
    assert caller_of(made.key) is None


@pytest.mark.parametrize("model", [ApiClient, ApiKey])
def test_expired_key_and_expired_client_are_refused(
    made: NewKey, model: type[ApiClient] | type[ApiKey]
) -> None:
    model._default_manager.update(expires_at=Now())

    assert caller_of(made.key) is None


def test_rotation_lets_the_old_key_go_on_for_a_while(made: NewKey) -> None:
    newer = api_keys.rotate(client=made.client, overlap=timedelta(hours=1))

    assert caller_of(made.key) == caller_of(newer.key)
    old = ApiKey.objects.get(prefix=made.prefix)
    assert old.expires_at is not None
    assert timedelta(minutes=59) < old.expires_at - timezone.now() < timedelta(minutes=61)


def test_rotation_without_overlap_ends_the_old_key(made: NewKey) -> None:
    newer = api_keys.rotate(client=made.client, overlap=timedelta(0))

    assert caller_of(made.key) is None
    assert caller_of(newer.key) is not None


def test_second_rotation_does_not_lengthen_the_first_overlap(made: NewKey) -> None:
    api_keys.rotate(client=made.client, overlap=timedelta(0))
    api_keys.rotate(client=made.client, overlap=timedelta(hours=1))

    assert caller_of(made.key) is None


def test_last_use_is_written_once_a_minute(made: NewKey, django_assert_num_queries) -> None:  # type: ignore[no-untyped-def]
    with django_assert_num_queries(2):
        caller_of(made.key)
    with django_assert_num_queries(1):
        caller_of(made.key)

    used_at = ApiKey.objects.get().last_used_at
    assert used_at is not None
    ApiKey.objects.update(last_used_at=used_at - timedelta(minutes=2))
    caller_of(made.key)
    later = ApiKey.objects.get().last_used_at
    assert later is not None
    assert later >= used_at


@pytest.mark.django_db(transaction=True)
def test_rotations_at_once_leave_one_key_that_stays() -> None:
    made = api_keys.create(name="Shop", scopes=["read"])

    rotated = together(*[lambda: api_keys.rotate(client=made.client)] * 8)

    assert all(isinstance(new, NewKey) and caller_of(new.key) for new in rotated)
    assert ApiKey.objects.filter(expires_at__isnull=True).count() == 1


def test_unhashed_key_cannot_be_stored(made: NewKey) -> None:
    with pytest.raises(IntegrityError, match="accounts_apikey_is_hashed"):
        ApiKey.objects.create(client=made.client, prefix="a", hashed_key=made.key)


def test_client_without_a_scope_or_name_cannot_be_stored() -> None:
    with pytest.raises(IntegrityError, match="accounts_apiclient_may_do_something"):
        ApiClient.objects.create(name="Idle")


def test_client_without_a_name_cannot_be_stored() -> None:
    with pytest.raises(IntegrityError, match="accounts_apiclient_has_a_name"):
        ApiClient.objects.create(name="", may_read=True)


def test_command_prints_the_key_once(alice: User) -> None:
    printed = command(
        "Shop", "--scopes", "read,grant", "--owner", "alice@example.com", "--expires", "2090-01-31"
    )

    assert caller_of(printed.strip()) is not None
    client = ApiClient.objects.get()
    assert (client.name, client.owner, client.scopes) == ("Shop", alice, ["read", "grant"])
    assert client.expires_at is not None
    assert client.expires_at.isoformat() == "2090-01-31T00:00:00+00:00"


def test_command_as_json() -> None:
    shown = json.loads(command("Shop", "--scopes", "read,spend,grant", "--json"))

    assert set(shown) == {"key", "prefix", "scopes"}
    assert shown["scopes"] == ["read", "spend", "grant"]
    assert shown["key"].startswith(f"{shown['prefix']}.")


def test_command_rotates_by_prefix(made: NewKey) -> None:
    shown = json.loads(command(made.prefix, "--rotate", "--overlap-hours", "0", "--json"))

    assert caller_of(made.key) is None
    assert caller_of(shown["key"]) is not None


@pytest.mark.parametrize(
    "arguments",
    [
        ["Shop"],
        ["Shop", "--scopes", "read,write"],
        ["Shop", "--scopes", ","],
        ["", "--scopes", "read"],
        ["Shop", "--scopes", "read", "--owner", "nobody@example.com"],
        ["Shop", "--scopes", "read", "--expires", "soon"],
        ["Shop", "--scopes", "read", "--expires", "2030-02-31"],
        ["unknown", "--rotate"],
    ],
)
def test_command_refuses_what_makes_no_sense(arguments: list[str]) -> None:
    with pytest.raises(CommandError):
        command(*arguments)

    assert not ApiClient.objects.exists()


@pytest.mark.parametrize("option", ["--scopes=grant", "--expires=2090-01-31", "--owner=alice@example.com"])
def test_command_does_not_rotate_with_what_it_would_ignore(made: NewKey, option: str) -> None:
    with pytest.raises(
        CommandError, match=rf"^--rotate changes nothing but the key, so it takes no {option.split('=')[0]}: "
    ):
        command(made.prefix, "--rotate", option)

    assert ApiKey.objects.get().prefix == made.prefix


@pytest.mark.parametrize("hours", ["-1", "nan", "1e9", "inf", "99999999999"])
def test_command_refuses_an_overlap_that_makes_no_sense(made: NewKey, hours: str) -> None:
    with pytest.raises(CommandError, match=r"^--overlap-hours is 0 to 8760\.$"):
        command(made.prefix, "--rotate", f"--overlap-hours={hours}")

    assert caller_of(made.key) is not None
