"""Signing in and out, and where it leads."""

import pytest
from django.test import Client

from accounts.models import User

LOGIN = "/accounts/login/"
REGISTER = "/accounts/register/"
LOCAL = "/pricing/"
EVIL = [
    "https://evil.example/",
    "//evil.example",
    "////evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "http:///evil.example",
    "javascript:alert(1)",
    "JaVaScRiPt://testserver/%0aalert(1)",
    "data:text/html,hello",
    "\r\n//evil.example",
    "\x00//evil.example",
    " https://evil.example",
    "http://testserver@evil.example/",
    "https://testserver.evil.example/",
]


def sign_in(browser: Client, username: str = "alice@example.com", **fields: str) -> int:
    data = {"username": username, "password": "alice-password", **fields}
    return browser.post(LOGIN, data).status_code


@pytest.mark.parametrize("typed", ["alice@example.com", "ALICE@Example.com", " alice@example.com "])
def test_signing_in_does_not_mind_case(visitor: Client, alice: User, typed: str) -> None:
    assert sign_in(visitor, typed) == 302
    assert visitor.session["_auth_user_id"] == str(alice.pk)


@pytest.mark.parametrize(
    "fields",
    [
        {"password": "wrong-password"},
        {"username": "nobody@example.com"},
        {"username": "alice"},
        {"password": "Alice-password"},
    ],
)
def test_refusal_does_not_tell_which_was_wrong(visitor: Client, alice: User, fields: dict[str, str]) -> None:
    response = visitor.post(LOGIN, {"username": "alice@example.com", "password": "alice-password", **fields})

    assert response.context["form"].non_field_errors() == [
        "This e-mail address and password do not go together. Please try again."
    ]
    assert "_auth_user_id" not in visitor.session


def test_deactivated_user_is_refused_like_an_unknown_one(visitor: Client, alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(is_active=False)

    response = visitor.post(LOGIN, {"username": "alice@example.com", "password": "alice-password"})

    assert response.context["form"].non_field_errors() == [
        "This e-mail address and password do not go together. Please try again."
    ]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("username", "alice\x00@example.com"),
        ("password", "alice\x00password"),
        ("username", ""),
        ("password", ""),
    ],
)
def test_what_cannot_be_stored_is_a_form_error(visitor: Client, alice: User, field: str, value: str) -> None:
    response = visitor.post(
        LOGIN, {"username": "alice@example.com", "password": "alice-password", field: value}
    )

    assert response.status_code == 200
    assert field in response.context["form"].errors


@pytest.mark.parametrize("length", [300, 100_000])
def test_name_that_is_too_long_is_a_form_error(visitor: Client, length: int) -> None:
    assert sign_in(visitor, "a" * length + "@example.com") == 200


@pytest.mark.parametrize("field", ["username", "password"])
def test_lone_surrogate_is_a_form_error(visitor: Client, alice: User, field: str) -> None:
    broken = b"alice\xed\xa0\x80@example.com"

    response = visitor.post(
        LOGIN, {"username": "alice@example.com", "password": "alice-password", field: broken}
    )

    assert response.status_code == 200
    assert response.context["form"].errors
    assert "_auth_user_id" not in visitor.session


@pytest.mark.parametrize("charset", ["utf-7", "unicode_escape", "utf-16"])
def test_form_in_another_charset_is_refused(visitor: Client, alice: User, charset: str) -> None:
    """These can spell lone surrogates, which neither the database nor a page can hold."""
    part = 'Content-Disposition: form-data; name="{}"\r\n\r\n{}\r\n'
    body = "--b\r\n" + part.format("username", "+2AA-\\ud800@example.com") + "--b\r\n"
    body += part.format("password", "+2AA-\\ud800") + "--b--\r\n"

    response = visitor.post(
        LOGIN, body.encode(), content_type=f"multipart/form-data; boundary=b; charset={charset}"
    )

    assert response.status_code == 400


@pytest.mark.parametrize("charset", ["utf-8", "UTF8", "nobody-knows-this"])
def test_form_in_utf8_by_any_name_is_read(visitor: Client, alice: User, charset: str) -> None:
    """What Django takes for UTF-8 because it does not know it is read too."""
    part = '--b\r\nContent-Disposition: form-data; name="{}"\r\n\r\n{}\r\n'
    body = (
        part.format("username", "alice@example.com") + part.format("password", "alice-password") + "--b--\r\n"
    )

    response = visitor.generic(
        "POST", LOGIN, body.encode(), content_type=f"multipart/form-data; boundary=b; charset={charset}"
    )

    assert response.status_code == 302


@pytest.mark.parametrize("evil", EVIL)
def test_next_never_leads_to_another_site(visitor: Client, alice: User, evil: str) -> None:
    page = visitor.get(LOGIN, {"next": evil})
    response = visitor.post(
        LOGIN, {"username": "alice@example.com", "password": "alice-password", "next": evil}, follow=False
    )

    assert "evil" not in page.content.decode()
    assert (response.status_code, response.headers["Location"]) == (302, LOCAL)


def test_next_with_line_breaks_stays_one_header(visitor: Client, alice: User) -> None:
    response = visitor.post(
        LOGIN,
        {
            "username": "alice@example.com",
            "password": "alice-password",
            "next": "/pricing/\r\nSet-Cookie: sessionid=eve",
        },
    )

    assert response.headers["Location"] == "/pricing/%0D%0ASet-Cookie:%20sessionid=eve"


@pytest.mark.parametrize("page", [LOGIN, REGISTER])
def test_next_is_carried_by_form_and_links(visitor: Client, page: str) -> None:
    content = visitor.get(page, {"next": "/pricing/plus/"}).content.decode()

    assert '<input type="hidden" name="next" value="/pricing/plus/">' in content
    assert "?next=%2Fpricing%2Fplus%2F" in content


@pytest.mark.parametrize("page", [LOGIN, REGISTER])
@pytest.mark.parametrize(
    ("wished", "led"),
    [("/pricing/plus/", "/pricing/plus/"), (LOGIN, LOGIN), ("//evil.example", LOCAL), ("", LOCAL)],
)
def test_member_is_led_on(alice_client: Client, page: str, wished: str, led: str) -> None:
    response = alice_client.get(page, {"next": wished})

    assert (response.status_code, response.headers["Location"]) == (302, led)


def test_guest_is_shown_the_form(visitor: Client) -> None:
    guest = User.objects.create(is_guest=True)
    visitor.force_login(guest, backend="accounts.backends.PasswordBackend")

    assert visitor.get(LOGIN).status_code == 200
    assert visitor.get(REGISTER).status_code == 200


def test_session_key_and_token_are_new_after_signing_in(alice: User) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.get(LOGIN)
    token = browser.cookies["csrftoken"].value
    session = browser.session
    session["fixed"] = "by somebody else"
    session.save()
    fixed_key = session.session_key

    assert sign_in(browser, csrfmiddlewaretoken=token) == 302
    assert browser.session.session_key != fixed_key
    assert browser.cookies["csrftoken"].value != token


def test_signing_out_ends_the_session(alice_client: Client) -> None:
    response = alice_client.post("/accounts/logout/")

    assert response.status_code == 200
    assert "You are signed out" in response.content.decode()
    assert "_auth_user_id" not in alice_client.session


def test_signing_out_by_a_link_is_refused(alice_client: Client) -> None:
    response = alice_client.get("/accounts/logout/")

    assert response.status_code == 405
    assert "_auth_user_id" in alice_client.session


@pytest.mark.parametrize("address", [LOGIN, "/accounts/register/"])
@pytest.mark.parametrize("odd", ["foo", "?", "?a", "#", "logout", "credits", "accounts:login"])
def test_a_next_that_is_no_path_leads_to_the_usual_page(
    alice_client: Client, visitor: Client, address: str, odd: str
) -> None:
    assert alice_client.get(address, {"next": odd}).headers["Location"] == LOCAL
    assert visitor.get(address, {"next": odd}).status_code == 200
    answer = visitor.post(
        f"{LOGIN}?next=x", {"username": "alice@example.com", "password": "alice-password", "next": odd}
    )
    assert answer.headers["Location"] == LOCAL


ACTIONS = [
    "/accounts/logout/",
    "/admin/logout/?a=1",
    "/checkout/",
    "/checkout/00000000-0000-4000-8000-000000000000/cancel/",
    "/purchases/pay/00000000-0000-4000-8000-000000000000/#pay",
    "/purchases/00000000-0000-4000-8000-000000000000/status/",
    "/api/v1/session/",
]


@pytest.mark.parametrize("action", ACTIONS)
def test_a_next_that_only_takes_forms_leads_to_the_usual_page(
    alice_client: Client, visitor: Client, alice: User, action: str
) -> None:
    words = {"username": "alice@example.com", "password": "alice-password", "next": action}

    assert visitor.post(LOGIN, words).headers["Location"] == LOCAL
    assert alice_client.get(LOGIN, {"next": action}).headers["Location"] == LOCAL
    assert alice_client.get(REGISTER, {"next": action}).headers["Location"] == LOCAL


@pytest.mark.parametrize("path", ["login/", "register/", "password-reset/"])
def test_a_form_is_sent_by_post_alone(db: None, path: str) -> None:
    answer = Client().put(f"/accounts/{path}", {})

    assert (answer.status_code, answer["Allow"]) == (405, "GET, HEAD, OPTIONS, POST")
