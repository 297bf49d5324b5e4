"""A visitor needs no account to buy: starting a checkout signs in a guest, and looking stores nothing."""

from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.db import IntegrityError, connection, transaction
from django.test import Client
from pytest_django.fixtures import Settings

from accounts.models import ThrottleCount, User
from checkout.models import CheckoutSession, Tier

START = "/checkout/"


def run(statement: str, *params: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)


def guest_of(client: Client) -> User:
    return User.objects.get(pk=client.session["_auth_user_id"], is_guest=True)


def test_buying_signs_in_a_guest_and_leads_to_the_review(client: Client, plus: Tier) -> None:
    response = client.post(START, {"tier": "plus"})

    session = CheckoutSession.objects.get()
    assert (response.status_code, response["Location"]) == (302, f"/checkout/{session.pk}/")
    assert session.owner == guest_of(client)
    assert client.get(response["Location"]).status_code == 200


def test_a_guest_stays_the_same_guest(client: Client, starter: Tier, plus: Tier) -> None:
    client.post(START, {"tier": "plus"})
    client.post(START, {"tier": "starter"})

    assert User.objects.get() == guest_of(client)


@pytest.mark.parametrize("path", ["/pricing/", "/pricing/plus/", "/accounts/login/", "/accounts/register/"])
def test_looking_stores_nothing(client: Client, plus: Tier, path: str) -> None:
    assert client.get(path).status_code == 200

    assert (User.objects.count(), Session.objects.count()) == (0, 0)


@pytest.mark.parametrize("path", ["/credits/", "/credits/statement.csv", "/purchases/"])
def test_a_guest_has_pages_of_their_own(client: Client, plus: Tier, path: str) -> None:
    client.post(START, {"tier": "plus"})

    assert client.get(path).status_code == 200


@pytest.mark.parametrize("path", ["/purchases/", "/credits/", "/checkout/{}/change/", "/purchases/{}/check/"])
def test_nothing_but_a_start_makes_a_guest(client: Client, plus: Tier, path: str) -> None:
    path = path.format("2f5d0f2e-5f0e-4a57-8d0c-4f2f3f1f7d11")

    client.get(path)
    client.post(path, {"tier": "plus"})

    assert User.objects.count() == 0


def test_a_forged_start_makes_no_guest(db: None, plus: Tier) -> None:
    browser = Client(enforce_csrf_checks=True)

    assert browser.post(START, {"tier": "plus"}).status_code == 403
    assert (
        browser.post(START, {"tier": "plus"}, headers={"Origin": "https://evil.example"}).status_code == 403
    )
    assert (User.objects.count(), Session.objects.count()) == (0, 0)


def test_forms_in_other_tabs_stay_good(db: None, starter: Tier, plus: Tier) -> None:
    browser = Client(enforce_csrf_checks=True)
    token = browser.get("/pricing/").content.decode().split('csrfmiddlewaretoken" value="')[1].split('"')[0]

    first = browser.post(START, {"tier": "plus", "csrfmiddlewaretoken": token})
    second = browser.post(START, {"tier": "starter", "csrfmiddlewaretoken": token})

    assert (first.status_code, second.status_code) == (302, 302)
    assert CheckoutSession.objects.get(status="active").tier == starter


def test_a_session_fixed_by_somebody_else_is_not_the_guests(client: Client, plus: Tier) -> None:
    session = client.session
    session["fixed"] = "by somebody else"
    session.save()
    client.cookies["sessionid"] = str(session.session_key)

    client.post(START, {"tier": "plus"})

    assert guest_of(client)
    assert client.session.session_key != session.session_key


def test_the_browser_keeps_a_guest_for_a_year(client: Client, plus: Tier) -> None:
    response = client.post(START, {"tier": "plus"})

    cookie = response.cookies["sessionid"]
    assert cookie["max-age"] == 400 * 24 * 3600
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")


# --- a browser that once had an account ---


def members_browser(alice: User) -> Client:
    """Alice's, whose session has ended."""
    browser = Client()
    browser.force_login(alice, backend="accounts.backends.PasswordBackend")
    browser.get("/pricing/")
    del browser.cookies["sessionid"]
    return browser


def test_a_member_whose_session_ended_is_led_to_sign_in(alice: User, plus: Tier) -> None:
    browser = members_browser(alice)

    response = browser.post(START, {"tier": "plus"})

    assert response["Location"] == "/accounts/login/?next=/pricing/plus/"
    assert User.objects.get() == alice


def test_the_mark_names_nobody_and_is_out_of_scripts_reach(alice: User, plus: Tier) -> None:
    mark = members_browser(alice).cookies["coffer_member"]

    assert (mark["httponly"], mark["samesite"], mark.value.split(":")[0]) == (True, "Lax", "1")


@pytest.mark.parametrize("forged", ["1", "1:x:y", ""])
def test_a_forged_mark_is_none(client: Client, plus: Tier, forged: str) -> None:
    client.cookies["coffer_member"] = forged

    client.post(START, {"tier": "plus"})

    assert guest_of(client)


def test_a_guest_carries_no_mark(client: Client, plus: Tier) -> None:
    client.post(START, {"tier": "plus"})
    client.get("/pricing/")

    assert "coffer_member" not in client.cookies


def test_a_browser_whose_guest_was_claimed_is_led_to_sign_in(client: Client, alice: User, plus: Tier) -> None:
    client.post(START, {"tier": "plus"})
    User.objects.filter(is_guest=True).update(merged_into=alice, is_active=False)

    response = client.post(START, {"tier": "plus"})

    assert response["Location"] == "/accounts/login/?next=/pricing/plus/"
    assert User.objects.count() == 2


# --- throttles ---


def test_too_many_guests_from_one_address_are_refused(plus: Tier, settings: Settings) -> None:
    settings.THROTTLES = {**settings.THROTTLES, "guests": (3, 600)}

    answers = [Client().post(START, {"tier": "plus"}) for _ in range(4)]

    assert [answer.status_code for answer in answers] == [302, 302, 302, 429]
    assert 480 <= int(answers[3]["Retry-After"]) <= 600
    assert "Please try again in 10 minutes." in answers[3].content.decode()
    assert (User.objects.count(), CheckoutSession.objects.count()) == (3, 3)


def test_rotating_the_forwarded_address_does_not_help(plus: Tier, settings: Settings) -> None:
    settings.THROTTLES = {**settings.THROTTLES, "guests": (2, 600)}

    answers = [
        Client().post(START, {"tier": "plus"}, headers={"X-Forwarded-For": f"198.51.100.{number}"})
        for number in range(3)
    ]

    assert [answer.status_code for answer in answers] == [302, 302, 429]


def test_another_address_is_free(plus: Tier, settings: Settings) -> None:
    settings.THROTTLES = {**settings.THROTTLES, "guests": (1, 600)}

    for address in ("198.51.100.1", "198.51.100.2", "2001:db8::1", "2001:db8:0:1::1"):
        assert Client().post(START, {"tier": "plus"}, REMOTE_ADDR=address).status_code == 302
    assert Client().post(START, {"tier": "plus"}, REMOTE_ADDR="2001:db8::2").status_code == 429


def test_many_starts_of_one_person_are_refused(alice_client: Client, plus: Tier, settings: Settings) -> None:
    settings.THROTTLES = {**settings.THROTTLES, "starts": (2, 600)}

    answers = [
        alice_client.post(START, {"tier": "plus"}, REMOTE_ADDR=f"198.51.100.{number}") for number in range(3)
    ]

    assert [answer.status_code for answer in answers] == [302, 302, 429]
    assert CheckoutSession.objects.count() == 1


@pytest.mark.parametrize(
    ("path", "name"), [("/accounts/register/", "sign_ups"), ("/accounts/password-reset/", "resets")]
)
def test_registrations_and_password_links_are_counted(
    db: None, settings: Settings, path: str, name: str
) -> None:
    settings.THROTTLES = {**settings.THROTTLES, name: (2, 600)}

    answers = [Client().post(path, {"email": f"d{number}@example.com"}).status_code for number in range(3)]

    assert answers == [200 if name == "sign_ups" else 302] * 2 + [429]


def test_password_links_to_one_address_are_counted(db: None, settings: Settings) -> None:
    settings.THROTTLES = {**settings.THROTTLES, "reset_mails": (2, 600)}

    answers = [
        Client()
        .post("/accounts/password-reset/", {"email": typed}, REMOTE_ADDR=f"198.51.100.{number}")
        .status_code
        for number, typed in enumerate(["ann@example.com", "Ann@Example.com", " ann@example.com"])
    ]

    assert answers == [302, 302, 429]


def test_a_window_that_has_passed_counts_anew(alice_client: Client, plus: Tier, settings: Settings) -> None:
    settings.THROTTLES = {**settings.THROTTLES, "starts": (1, 600)}
    alice_client.post(START, {"tier": "plus"})
    run("update accounts_throttlecount set resets_at = clock_timestamp(), count = 99")

    assert alice_client.post(START, {"tier": "plus"}).status_code == 302
    assert ThrottleCount.objects.get().count == 1


def test_no_address_is_kept(client: Client, plus: Tier) -> None:
    client.post(START, {"tier": "plus"})

    assert not any("127.0.0.1" in key for key in ThrottleCount.objects.values_list("key", flat=True))


# --- upgrade in place ---


def test_registering_turns_a_guest_into_a_user_in_place(
    client: Client, plus: Tier, registration: dict[str, Any]
) -> None:
    client.post(START, {"tier": "plus"})
    guest, key = guest_of(client), client.session.session_key

    response = client.post("/accounts/register/", {**registration, "next": "/pricing/plus/"})

    dora = User.objects.get()
    assert response["Location"] == "/pricing/plus/"
    assert (dora.pk, dora.email, dora.is_guest, dora.email_verified_at) == (
        guest.pk,
        "dora@example.com",
        False,
        None,
    )
    assert dora.check_password(registration["password1"])
    assert client.session["_auth_user_id"] == str(dora.pk)
    assert client.session.session_key != key
    assert CheckoutSession.objects.get().owner == dora


def test_session_and_token_are_cycled_at_the_upgrade(
    db: None, plus: Tier, registration: dict[str, Any]
) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.get("/pricing/")
    token = browser.cookies["csrftoken"].value
    browser.post(START, {"tier": "plus", "csrfmiddlewaretoken": token})
    old_key = browser.session.session_key

    browser.post("/accounts/register/", {**registration, "csrfmiddlewaretoken": token})

    assert browser.cookies["csrftoken"].value != token
    assert not Session.objects.filter(session_key=old_key).exists()


def test_an_upgrade_to_a_taken_address_is_refused_and_keeps_the_guest(
    client: Client, alice: User, plus: Tier, registration: dict[str, Any]
) -> None:
    client.post(START, {"tier": "plus"})

    response = client.post("/accounts/register/", {**registration, "email": "alice@example.com"})

    assert "email" in response.context["form"].errors
    assert guest_of(client).email is None


# --- the database ---


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ("is_guest = true, email = null", "accounts_user_member_for_ever"),
        ("merged_into_id = id", "accounts_user_merged_has_ended"),
    ],
)
def test_a_member_never_becomes_a_guest(alice: User, change: str, rule: str) -> None:
    with pytest.raises(IntegrityError, match=rule), transaction.atomic():
        run(f"update accounts_user set {change} where id = %s", alice.pk)


@pytest.mark.parametrize(
    "change",
    [
        "is_active = true",
        "merged_into_id = null",
        "merged_into_id = null, is_active = true",
        "is_guest = false, email = 'eve@example.com'",
        "merged_into_id = id",
    ],
)
def test_an_ended_guest_stays_ended(alice: User, change: str) -> None:
    guest = User.objects.create_guest()
    User.objects.filter(pk=guest.pk).update(merged_into=alice, is_active=False)

    with pytest.raises(IntegrityError, match="accounts_user_"), transaction.atomic():
        run(f"update accounts_user set {change} where id = %s", guest.pk)


def test_a_count_counts_something(db: None) -> None:
    with pytest.raises(IntegrityError, match="counts_something"), transaction.atomic():
        run("insert into accounts_throttlecount values ('k', 0, now())")
