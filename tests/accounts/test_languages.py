"""Which language somebody is written to in."""

from django.test import Client

from accounts.models import User

FORM = {"username": "alice@example.com", "password": "alice-password"}


def language_of(user: User) -> str:
    user.refresh_from_db()
    return user.language


def test_signing_in_keeps_the_language_of_the_page(alice: User) -> None:
    Client().post("/accounts/login/", FORM, headers={"accept-language": "de-AT,de;q=0.9"})

    assert language_of(alice) == "de"


def test_a_choice_is_kept_with_the_person_and_in_the_browser(alice: User, alice_client: Client) -> None:
    answer = alice_client.post("/language/", {"language": "de", "next": "/pricing/"})

    assert answer["Location"] == "/pricing/"
    assert 'lang="de"' in alice_client.get("/pricing/").content.decode()
    assert language_of(alice) == "de"


def test_an_unknown_language_changes_nothing(alice: User, alice_client: Client) -> None:
    alice_client.post("/language/", {"language": "tlh", "next": "//evil.example"})

    assert language_of(alice) == "en"
    assert alice_client.post("/language/", {"language": "en", "next": "//evil.example"})["Location"] == "/"


def test_reading_changes_nothing(alice: User, alice_client: Client) -> None:
    alice_client.get("/pricing/", headers={"accept-language": "de"})

    assert language_of(alice) == ""


def test_a_visitor_can_choose_too(client: Client, db: None) -> None:
    client.post("/language/", {"language": "de"})

    assert 'lang="de"' in client.get("/pricing/").content.decode()
