"""POST session/: a visitor's browser gets a guest's session by itself."""

import re

from django.test import Client
from pytest_django.fixtures import Settings

from accounts.models import User
from tests.rest.calling import code_of


def visitor() -> tuple[Client, str]:
    """A browser that has seen a page, and the token of that page."""
    client = Client(enforce_csrf_checks=True)
    page = client.get("/accounts/login/").content.decode()
    found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
    assert found
    return client, found[1]


def test_visitor_becomes_a_guest_once(db: None) -> None:
    client, token = visitor()

    answers = [client.post("/api/v1/session/", headers={"X-CSRFToken": token}) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [201, 200]
    assert answers[0].json()["is_guest"] is True
    assert User.objects.filter(is_guest=True).count() == 1
    assert client.get("/api/v1/accounts/me/balance/").json()["available"] == 0


def test_token_in_the_answer_serves_what_follows(db: None) -> None:
    client, token = visitor()
    given = client.post("/api/v1/session/", headers={"X-CSRFToken": token}).json()["csrf_token"]

    assert client.post("/api/v1/session/", headers={"X-CSRFToken": given}).status_code == 200


def test_forged_call_makes_no_guest(db: None) -> None:
    for headers in ({}, {"X-CSRFToken": "x" * 32}):
        response = Client(enforce_csrf_checks=True).post("/api/v1/session/", headers=headers)
        assert code_of(response) == (403, "csrf_failed")

    assert User.objects.count() == 0


def test_too_many_guests_from_one_address_are_a_problem(db: None, settings: Settings) -> None:
    settings.THROTTLES = {**settings.THROTTLES, "guests": (1, 600)}

    first, second = (Client().post("/api/v1/session/") for _ in range(2))

    assert first.status_code == 201
    assert code_of(second) == (429, "too_many_requests")
    assert 480 <= int(second["Retry-After"]) <= 600


def test_member_keeps_their_session(alice_client: Client) -> None:
    response = alice_client.post("/api/v1/session/")

    assert (response.status_code, response.json()["is_guest"]) == (200, False)


def test_browser_of_a_member_is_led_to_sign_in(alice_client: Client) -> None:
    alice_client.get("/credits/")
    alice_client.post("/accounts/logout/")

    assert code_of(alice_client.post("/api/v1/session/"))[0] == 401
    assert not User.objects.filter(is_guest=True).exists()


def test_too_many_guests_from_one_address_are_slowed(db: None, settings: Settings) -> None:
    settings.THROTTLES = {**settings.THROTTLES, "guests": (1, 60)}

    answers = [Client().post("/api/v1/session/") for _ in range(2)]

    assert answers[0].status_code == 201
    assert code_of(answers[1])[0] == 429
    assert int(answers[1].headers["Retry-After"]) > 0
