"""The pages for what went wrong."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest
from django.db import connection
from django.test import Client

pytestmark = pytest.mark.urls("tests.config.failing_urls")

PASSING = ["/a-lock/", "/a-lost-connection/", "/a-slow-statement/", "/a-read-only-server/"]


@pytest.fixture
def browser(transactional_db: None) -> Iterator[Client]:
    """One that is shown the error page, as people are."""
    yield Client(raise_request_exception=False)
    connection.close()  # the settings of a broken session must not outlive the test


def test_what_passes_by_itself_is_503_with_retry_after(browser: Client) -> None:
    answers = {path: browser.get(path) for path in PASSING}

    told = {path: (answer.status_code, answer.headers.get("Retry-After")) for path, answer in answers.items()}
    assert told == dict.fromkeys(PASSING, (503, "5"))


@pytest.mark.parametrize(
    ("path", "status"), [("/a-session-on-a-read-only-server/", 503), ("/a-session-that-is-gone/", 400)]
)
def test_a_session_that_could_not_be_kept_is_not_gone(browser: Client, path: str, status: int) -> None:
    """Django calls both gone."""
    session = browser.session
    session["kept"] = "before"
    session.save()

    response = browser.get(path)
    assert (response.status_code, response.headers.get("Retry-After")) == (
        status,
        "5" if status == 503 else None,
    )


def test_bug_is_500_without_retry_after_and_without_a_word_of_it(browser: Client) -> None:
    response = browser.get("/a-bug/")

    assert response.status_code == 500
    assert "Retry-After" not in response.headers
    assert "alice@example.com" not in response.content.decode()


@pytest.mark.parametrize("path", ["/pricing/", "/accounts/password-reset/MQ/abc/"])
def test_pages_say_503_while_the_database_is_away(
    browser: Client, database_away: Callable[[], AbstractContextManager[None]], path: str
) -> None:
    with database_away():
        response = browser.get(path)

    assert (response.status_code, response.headers["Retry-After"]) == (503, "5")
    assert browser.get(path).status_code == 200


def test_signing_in_says_503_while_the_database_is_away(
    browser: Client, database_away: Callable[[], AbstractContextManager[None]]
) -> None:
    with database_away():
        response = browser.post("/accounts/login/", {"username": "alice@example.com", "password": "x"})

    assert response.status_code == 503


def test_form_without_its_token_is_explained(db: None) -> None:
    response = Client(enforce_csrf_checks=True).post("/accounts/login/", {"username": "a", "password": "b"})

    assert response.status_code == 403
    assert "403_csrf.html" in [template.name for template in response.templates]


@pytest.mark.parametrize(
    ("path", "status", "template"), [("/nowhere/", 404, "404.html"), ("/a-refusal/", 403, "403.html")]
)
def test_refusal_has_its_page(db: None, path: str, status: int, template: str) -> None:
    response = Client().get(path)

    assert response.status_code == status
    assert template in [used.name for used in response.templates]


@pytest.mark.parametrize("path", ["/nowhere/", "/a-bug/", "/a-lock/"])
def test_error_page_names_the_request(browser: Client, path: str) -> None:
    response = browser.get(path)

    assert response.headers["X-Request-ID"] in response.content.decode()


def test_reference_of_a_strangers_choosing_is_escaped(browser: Client) -> None:
    page = browser.get("/nowhere/", headers={"x-request-id": "<script>alert(1)</script>"}).content.decode()

    assert "<script>alert(1)" not in page


def test_what_passes_by_itself_can_be_asked_for_again(browser: Client) -> None:
    again = '<a class="button" href="/a-lock/?page=2&amp;x=%3Cb%3E">Try again</a>'

    assert again in browser.get("/a-lock/?page=2&x=%3Cb%3E").content.decode()
    assert ">Try again<" not in browser.post("/a-lock/").content.decode()


def test_a_forms_address_opened_by_itself_leads_back(db: None) -> None:
    number = "00000000-0000-4000-8000-000000000000"
    behind = {
        f"/purchases/pay/{number}/": f"/checkout/{number}/",
        f"/checkout/{number}/change/": f"/checkout/{number}/",
        f"/purchases/{number}/check/": f"/purchases/return/{number}/",
        "/checkout/": "/",
        "/accounts/logout/": "/",
    }
    answers = {path: Client().get(path) for path in behind}

    assert {path: answer.status_code for path, answer in answers.items()} == dict.fromkeys(behind, 405)
    assert answers["/checkout/"].headers["Allow"] == "POST"
    for path, answer in answers.items():
        assert f'<a class="button" href="{behind[path]}">' in answer.content.decode()
        assert "nothing was charged" in answer.content.decode()
        assert int(answer.headers["Content-Length"]) == len(answer.content)


def test_a_form_sent_to_a_mere_page_is_refused_without_one(db: None) -> None:
    answer = Client().post("/pricing/")

    assert (answer.status_code, answer.content) == (405, b"")
