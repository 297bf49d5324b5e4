"""Setting a new password by e-mail, and changing it."""

import re

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from accounts.models import User

RESET = "/accounts/password-reset/"
CHANGE = "/accounts/password-change/"
NEW = {"new_password1": "winter-lake-92", "new_password2": "winter-lake-92"}


def link_in(message: mail.EmailMessage) -> str:
    """The path of the link, which must be below PUBLIC_BASE_URL."""
    found = re.search(r"^http://testserver(/\S+)$", str(message.body), re.MULTILINE)
    assert found is not None, message.body
    return found.group(1)


def follow_link(browser: Client, path: str) -> str:
    """Where the form is: the token has gone from the address."""
    response = browser.get(path)
    assert response.status_code == 302, response.content
    return response.headers["Location"]


@pytest.fixture
def link(visitor: Client, alice: User) -> str:
    visitor.post(RESET, {"email": "Alice@Example.com"})
    return link_in(mail.outbox[0])


def test_link_goes_to_the_address_that_is_stored(visitor: Client, alice: User) -> None:
    response = visitor.post(RESET, {"email": "ALICE@example.com"})

    assert (response.status_code, response.headers["Location"]) == (302, "/accounts/password-reset/done/")
    assert [message.to for message in mail.outbox] == [["alice@example.com"]]
    assert mail.outbox[0].subject == "Your new password for Coffer"


def test_unknown_address_gets_the_same_answer_and_no_mail(visitor: Client, alice: User) -> None:
    known = visitor.post(RESET, {"email": "alice@example.com"})
    unknown = visitor.post(RESET, {"email": "nobody@example.com"})

    def answer(response: object) -> tuple[object, ...]:
        return (response.status_code, response.content, response.headers["Location"])  # type: ignore[attr-defined]

    assert answer(unknown) == answer(known)
    assert len(mail.outbox) == 1


def test_deactivated_user_gets_no_mail(visitor: Client, alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(is_active=False)

    visitor.post(RESET, {"email": "alice@example.com"})

    assert mail.outbox == []


def test_link_is_built_from_the_public_address_alone(
    visitor: Client, alice: User, settings: pytest.FixtureRequest
) -> None:
    settings.PUBLIC_BASE_URL = "https://shop.example"  # type: ignore[attr-defined]

    visitor.post(RESET, {"email": "alice@example.com"}, headers={"host": "localhost"})

    assert "https://shop.example/accounts/password-reset/" in str(mail.outbox[0].body)
    assert "localhost" not in str(mail.outbox[0].body)


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


def test_mail_that_cannot_be_sent_tells_nothing(
    visitor: Client, alice: User, settings: pytest.FixtureRequest
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"  # type: ignore[attr-defined]
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9  # type: ignore[attr-defined]

    response = visitor.post(RESET, {"email": "alice@example.com"})

    assert (response.status_code, response.headers["Location"]) == (302, "/accounts/password-reset/done/")
