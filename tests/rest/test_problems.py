"""Everything that goes wrong below /api/ is problem+json, wherever it happens."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest
import time_machine
from django.test import Client, override_settings
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.models import User
from tests.rest.calling import BackEnd, code_of

SOME = "0192f0c1-2b3a-7c4d-8e5f-60718293a4b5"
KEYS_ONLY = [
    f"accounts/{SOME}/spend/",
    f"accounts/{SOME}/grants/",
    f"accounts/{SOME}/holds/",
    f"holds/{SOME}/capture/",
    f"holds/{SOME}/release/",
    f"spends/{SOME}/reverse/",
]
BUYERS_ONLY = [
    "checkout/sessions/",
    f"checkout/sessions/{SOME}/change/",
    f"checkout/sessions/{SOME}/recover/",
    f"checkout/sessions/{SOME}/pay/",
    "purchases/reconcile/",
]


@pytest.mark.parametrize(
    "path", ["", "v1/", "v1/nowhere/", "v2/tiers/", "v1/tiers", f"v1/holds/{SOME}/", "v1//"]
)
@pytest.mark.parametrize("method", ["get", "post", "put", "delete", "options"])
def test_unknown_address_is_404_and_never_a_redirect(db: None, path: str, method: str) -> None:
    response = getattr(Client(), method)(f"/api/{path}")

    assert code_of(response) == (404, "not_found")


@pytest.mark.parametrize("is_debug", [True, False])
def test_unknown_address_is_a_problem_in_the_demo_too(db: None, is_debug: bool) -> None:
    with override_settings(DEBUG=is_debug):
        assert code_of(Client().get("/api/v1/nowhere/"))[0] == 404


@pytest.mark.parametrize("method", ["put", "patch", "delete", "options", "post"])
def test_unknown_method_is_405(back_end: BackEnd, account: uuid.UUID, method: str) -> None:
    response = getattr(back_end.http, method)(
        f"/api/v1/accounts/{account}/balance/", headers={"Authorization": f"Api-Key {back_end.key}"}
    )

    assert code_of(response) == (405, "method_not_allowed")
    assert response.headers["Allow"] == "GET, HEAD"


@pytest.mark.parametrize("path", KEYS_ONLY)
def test_only_keys_move_credits(alice_client: Client, nobody: BackEnd, path: str) -> None:
    mine = alice_client.post(f"/api/v1/{path}", {"amount": 1}, "application/json")

    assert code_of(mine) == (403, "key_required")
    assert code_of(nobody.post(path, {"amount": 1})) == (401, "not_authenticated")


@pytest.mark.parametrize("path", BUYERS_ONLY)
def test_only_buyers_buy(back_end: BackEnd, nobody: BackEnd, path: str) -> None:
    assert code_of(back_end.post(path, {})) == (403, "session_required")
    assert code_of(nobody.post(path, {})) == (401, "not_authenticated")


@pytest.mark.parametrize("path", [*BUYERS_ONLY, *KEYS_ONLY])
@pytest.mark.parametrize("headers", [{}, {"X-CSRFToken": "x" * 32}], ids=["none", "forged"])
def test_session_without_its_token_is_403(alice: User, path: str, headers: dict[str, str]) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice, backend="accounts.backends.PasswordBackend")

    response = client.post(f"/api/v1/{path}", {}, "application/json", headers=headers)

    assert code_of(response) == (403, "csrf_failed")


@pytest.mark.parametrize("header", ["Api-Key x.y", "api-key x.y", "Api-Key", "Api-Key ", "Api-Key x.y z"])
def test_wrong_key_is_401_and_falls_back_to_no_session(alice_client: Client, header: str) -> None:
    response = alice_client.get("/api/v1/accounts/me/balance/", headers={"Authorization": header})

    assert code_of(response) == (401, "invalid_key")
    assert response.headers["WWW-Authenticate"] == "Api-Key"


@pytest.mark.parametrize(
    ("scopes", "path"),
    [
        (["read"], f"accounts/{SOME}/spend/"),
        (["read"], f"holds/{SOME}/capture/"),
        (["read", "spend"], f"accounts/{SOME}/grants/"),
        (["spend", "grant"], "accounts/lookup/"),
    ],
)
def test_key_without_the_scope_is_403(
    key_with: Callable[[list[str]], BackEnd], scopes: list[str], path: str
) -> None:
    response = key_with(scopes).post(path, {})

    assert code_of(response) == (403, "scope_missing")
    assert response.json()["required_scope"] not in scopes


def test_foreign_host_is_a_problem(db: None) -> None:
    response = Client(raise_request_exception=False).get("/api/v1/tiers/", headers={"Host": "evil.example"})

    assert code_of(response) == (400, "bad_request")


def test_database_away_is_503_with_retry_after(
    database_away: Callable[[], AbstractContextManager[None]], back_end: BackEnd
) -> None:
    with database_away():
        answers = [back_end.get("tiers/"), back_end.get(f"accounts/{SOME}/balance/")]

    for response in answers:
        assert code_of(response) == (503, "unavailable")
        assert response.headers["Retry-After"] == "5"


def test_bug_is_500_without_a_word_of_it(back_end: BackEnd, settings: Settings) -> None:
    settings.API_CALLS_PER_MINUTE = {}

    response = back_end.get("tiers/")

    assert code_of(response) == (500, "internal_error")
    assert b"KeyError" not in response.content


@pytest.fixture
def within_a_minute() -> Iterator[None]:
    """Python's clock stands still: with the next minute the count begins anew."""
    with time_machine.travel(timezone.now(), tick=False):
        yield


@pytest.mark.usefixtures("within_a_minute")
def test_too_many_calls_are_429_for_each_caller(
    back_end: BackEnd, other: BackEnd, nobody: BackEnd, settings: Settings
) -> None:
    settings.API_CALLS_PER_MINUTE = {"key": 2, "buyer": 2, "visitor": 1}

    answers = [back_end.get("tiers/") for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert code_of(answers[2]) == (429, "too_many_requests")
    assert 1 <= int(answers[2].headers["Retry-After"]) <= 61
    assert other.get("tiers/").status_code == 200
    assert [nobody.get("tiers/").status_code for _ in range(2)] == [200, 429]


@pytest.mark.usefixtures("within_a_minute")
def test_rotating_the_forwarded_address_does_not_help(db: None, settings: Settings) -> None:
    settings.API_CALLS_PER_MINUTE = {"visitor": 1}

    answers = [
        Client().get("/api/v1/tiers/", headers={"X-Forwarded-For": f"10.0.0.{number}"}) for number in (1, 2)
    ]

    assert [answer.status_code for answer in answers] == [200, 429]


@pytest.mark.usefixtures("within_a_minute")
def test_addresses_behind_a_trusted_proxy_are_told_apart(db: None, settings: Settings) -> None:
    settings.API_CALLS_PER_MINUTE = {"visitor": 1}
    settings.TRUSTED_PROXY_COUNT = 1

    answers = [
        Client().get("/api/v1/tiers/", headers={"X-Forwarded-For": f"1.1.1.1, 10.0.0.{number}"})
        for number in (1, 2, 2)
    ]

    assert [answer.status_code for answer in answers] == [200, 200, 429]


@pytest.mark.usefixtures("within_a_minute")
def test_a_household_is_one_address(db: None, settings: Settings) -> None:
    settings.API_CALLS_PER_MINUTE = {"visitor": 1}

    answers = [
        Client().get("/api/v1/tiers/", REMOTE_ADDR=address)
        for address in ("2001:db8:1:1::1", "2001:db8:1:1::2", "2001:db8:1:2::1")
    ]

    assert [answer.status_code for answer in answers] == [200, 429, 200]


def test_cache_that_is_away_slows_nobody_and_breaks_nothing(
    nobody: BackEnd, db: None, settings: Settings
) -> None:
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": "redis://127.0.0.1:9",
        }
    }

    assert nobody.get("tiers/").status_code == 200
