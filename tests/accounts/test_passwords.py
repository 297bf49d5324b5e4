"""Setting a new password by e-mail, and changing it."""

import json
import re
import socket
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.db import connection
from django.db.models.functions import Now
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.models import User
from outbox import sending
from outbox.models import Message

RESET = "/accounts/password-reset/"
CHANGE = "/accounts/password-change/"
NEW = {"new_password1": "winter-lake-92", "new_password2": "winter-lake-92"}


def link_in(message: mail.EmailMessage) -> str:
    """The path of the link, which must be below PUBLIC_BASE_URL."""
    found = re.search(r"^http://testserver(/\S+)$", str(message.body), re.MULTILINE)
    assert found is not None, message.body
    return found.group(1)


def letters() -> list[Any]:
    """What has been sent once the worker came by."""
    sending.send_due()
    return list(mail.outbox)


def follow_link(browser: Client, path: str) -> str:
    """Where the form is: the token has gone from the address."""
    response = browser.get(path)
    assert response.status_code == 302, response.content
    return response.headers["Location"]


@pytest.fixture
def link(visitor: Client, alice: User) -> str:
    visitor.post(RESET, {"email": "Alice@Example.com"})
    return link_in(letters()[0])


def test_the_second_field_asks_for_the_same_password_again(
    visitor: Client, alice_client: Client, link: str
) -> None:
    """Not for "the same password as before", which is the forgotten one."""
    for page in (visitor.get(follow_link(visitor, link)), alice_client.get(CHANGE)):
        html = page.content.decode()
        assert "The same password again" in html
        assert "as before" not in html


def test_link_goes_to_the_address_that_is_stored(visitor: Client, alice: User) -> None:
    response = visitor.post(RESET, {"email": "ALICE@example.com"})

    assert (response.status_code, response.headers["Location"]) == (302, "/accounts/password-reset/done/")
    (letter,) = letters()
    assert (letter.to, letter.subject) == (["alice@example.com"], "Your new password for Coffer")
    assert link_in(letter) in letter.alternatives[0][0]


def test_unknown_address_gets_the_same_answer_and_no_mail(visitor: Client, alice: User) -> None:
    known = visitor.post(RESET, {"email": "alice@example.com"})
    unknown = visitor.post(RESET, {"email": "nobody@example.com"})

    def answer(response: object) -> tuple[object, ...]:
        return (response.status_code, response.content, response.headers["Location"])  # type: ignore[attr-defined]

    assert answer(unknown) == answer(known)
    assert len(letters()) == 1


def test_deactivated_user_gets_no_mail(visitor: Client, alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(is_active=False)

    visitor.post(RESET, {"email": "alice@example.com"})

    assert letters() == []


def test_link_is_built_from_the_public_address_alone(
    visitor: Client, alice: User, settings: pytest.FixtureRequest
) -> None:
    settings.PUBLIC_BASE_URL = "https://shop.example"  # type: ignore[attr-defined]

    visitor.post(RESET, {"email": "alice@example.com"}, headers={"host": "localhost"})

    (letter,) = letters()
    assert "https://shop.example/accounts/password-reset/" in letter.body
    assert "localhost" not in letter.body


def test_following_the_link_sets_the_password_and_proves_the_address(
    visitor: Client, alice: User, link: str
) -> None:
    response = visitor.post(follow_link(visitor, link), NEW)

    alice.refresh_from_db()
    assert response.headers["Location"] == "/accounts/password-reset/complete/"
    assert alice.check_password("winter-lake-92")
    assert alice.email_verified_at is not None
    assert visitor.get("/accounts/password-reset/complete/").status_code == 200


def test_opening_the_link_alone_proves_nothing(visitor: Client, alice: User, link: str) -> None:
    visitor.get(follow_link(visitor, link))

    alice.refresh_from_db()
    assert alice.email_verified_at is None


def test_proof_keeps_its_first_date(visitor: Client, alice: User, link: str) -> None:
    proven = timezone.now()
    User.objects.filter(pk=alice.pk).update(email_verified_at=proven)

    visitor.post(follow_link(visitor, link), NEW)

    alice.refresh_from_db()
    assert alice.email_verified_at == proven


def test_reset_ends_every_other_session(visitor: Client, alice_client: Client, link: str) -> None:
    visitor.post(follow_link(visitor, link), NEW)

    response = alice_client.get(CHANGE)
    assert (response.status_code, response.headers["Location"]) == (302, f"/accounts/login/?next={CHANGE}")


def test_reset_lets_somebody_in_who_was_locked_out(visitor: Client, alice: User, link: str) -> None:
    for number in range(10):
        data = {"username": "alice@example.com", "password": "wrong"}
        visitor.post("/accounts/login/", data, REMOTE_ADDR=f"192.0.2.{number}")

    visitor.post(follow_link(visitor, link), NEW)

    data = {"username": "alice@example.com", "password": "winter-lake-92"}
    assert visitor.post("/accounts/login/", data).status_code == 302


def test_link_works_once(visitor: Client, alice: User, link: str) -> None:
    visitor.post(follow_link(visitor, link), NEW)

    page = Client().get(link)
    assert page.status_code == 200
    assert "This link no longer works" in page.content.decode()


def test_link_dies_when_the_address_changes(visitor: Client, alice: User, link: str) -> None:
    User.objects.filter(pk=alice.pk).update(email="alice@new.example")

    assert "This link no longer works" in visitor.get(link).content.decode()


@pytest.mark.parametrize(
    "path",
    ["MQ/set-password/", "MQ/abc-def/", "9999999999999999999999/abc-def/", "!!/x/", "AAAA/%00/", "w6k/x/"],
)
def test_made_up_link_is_a_page_and_not_an_error(visitor: Client, path: str) -> None:
    page = visitor.get(RESET + path)

    assert page.status_code == 200
    assert "This link no longer works" in page.content.decode()


def test_weak_password_is_refused_and_nothing_changes(visitor: Client, alice: User, link: str) -> None:
    response = visitor.post(follow_link(visitor, link), {"new_password1": "short", "new_password2": "short"})

    alice.refresh_from_db()
    assert "new_password2" in response.context["form"].errors
    assert alice.check_password("alice-password")
    assert alice.email_verified_at is None


def test_changing_the_password_keeps_this_session_and_ends_the_others(
    alice: User, alice_client: Client
) -> None:
    elsewhere = Client()
    elsewhere.force_login(alice, backend="accounts.backends.PasswordBackend")

    response = alice_client.post(CHANGE, {"old_password": "alice-password", **NEW})

    alice.refresh_from_db()
    assert response.headers["Location"] == "/accounts/password-change/done/"
    assert alice_client.get("/accounts/password-change/done/").status_code == 200
    assert elsewhere.get(CHANGE).status_code == 302
    assert alice.check_password("winter-lake-92")


def test_wrong_old_password_changes_nothing(alice: User, alice_client: Client) -> None:
    response = alice_client.post(CHANGE, {"old_password": "wrong", **NEW})

    alice.refresh_from_db()
    assert "old_password" in response.context["form"].errors
    assert alice.check_password("alice-password")


def test_password_form_is_for_members(visitor: Client) -> None:
    response = visitor.get(CHANGE)

    assert (response.status_code, response.headers["Location"]) == (302, f"/accounts/login/?next={CHANGE}")


def test_asking_speaks_to_no_mail_server(visitor: Client, alice: User, settings: Settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_TIMEOUT = "127.0.0.1", 0.3
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.EMAIL_PORT = silent.getsockname()[1]
        silent.settimeout(0)

        response = visitor.post(RESET, {"email": "alice@example.com"})

        assert (response.status_code, response.headers["Location"]) == (302, "/accounts/password-reset/done/")
        with pytest.raises(BlockingIOError):
            silent.accept()
        assert sending.send_due() == sending.Sent(waiting=1)


def test_a_mail_server_that_is_away_is_tried_again(visitor: Client, alice: User, settings: Settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    visitor.post(RESET, {"email": "alice@example.com"})
    assert sending.send_due() == sending.Sent(waiting=1)

    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    Message.objects.update(next_attempt_at=Now())
    assert Client().get(link_in(letters()[0])).status_code == 302


def test_known_and_unknown_address_are_the_same_work(visitor: Client, alice: User) -> None:
    asked = []
    for address in ("alice@example.com", "nobody@example.com"):
        with CaptureQueriesContext(connection) as queries:
            visitor.post(RESET, {"email": address})
        asked.append([query["sql"].split()[:3] for query in queries])

    assert asked[0] == asked[1]
    assert ["insert", "into", "outbox_message"] in asked[0]


def test_what_waits_opens_nothing(visitor: Client, alice: User) -> None:
    visitor.post(RESET, {"email": "alice@example.com"})
    waiting = Message.objects.get()
    link = link_in(letters()[0])
    uid, token = link.strip("/").split("/")[-2:]

    assert token not in json.dumps(waiting.context)
    page = Client().get(f"{RESET}{uid}/{waiting.context['asked']}/").content.decode()
    assert "This link no longer works" in page


@pytest.mark.parametrize(
    "since",
    [
        {"email": "alice@new.example"},
        {"password": "another"},
        {"last_login": timezone.now()},
        {"is_active": False},
    ],
)
def test_a_mail_whose_link_would_be_dead_is_not_sent(
    visitor: Client, alice: User, since: dict[str, Any]
) -> None:
    visitor.post(RESET, {"email": "alice@example.com"})
    User.objects.filter(pk=alice.pk).update(**since)

    assert letters() == []
    assert Message.objects.get().state == "quiet"


def test_a_mail_to_somebody_who_left_is_not_sent(visitor: Client, alice: User) -> None:
    visitor.post(RESET, {"email": "alice@example.com"})
    User.objects.filter(pk=alice.pk).delete()

    assert letters() == []


def test_what_was_asked_longer_ago_than_a_link_lives_is_not_sent(visitor: Client, alice: User) -> None:
    with time_machine.travel(timezone.now() - timedelta(days=3, minutes=1)):
        visitor.post(RESET, {"email": "alice@example.com"})

    assert letters() == []
    assert Message.objects.get().state == "quiet"


@pytest.mark.parametrize(("own", "asked"), [("de", "en"), ("", "de")])
def test_the_letter_is_german_for_who_reads_german(
    visitor: Client, alice: User, own: str, asked: str
) -> None:
    User.objects.filter(pk=alice.pk).update(language=own)
    visitor.post(RESET, {"email": "alice@example.com"}, headers={"accept-language": asked})

    (letter,) = letters()
    assert letter.subject == "Ihr neues Passwort für Coffer"
    assert "jemand, hoffentlich Sie, hat ein neues Passwort" in letter.body
