"""A guest whose cookie is gone: a link to the address that Stripe has brings everything back, once."""

import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.models import User
from checkout.models import Tier
from credits.balances import balance_of
from outbox import sending
from outbox.models import Message
from purchases import opening
from purchases.models import Purchase
from tests.accounts.test_claims import settled
from tests.sandbox_process import SandboxProcess
from tests.together import together

CLAIM = "/accounts/claim/"
ADDRESS = "ann@example.com"


def buy(browser: Client, stripe: SandboxProcess, **how: str) -> Purchase:
    """Buy plus as a guest in this browser, named ann@example.com at Stripe, and let the webhook settle it."""
    browser.post("/checkout/", {"tier": "plus"})
    guest = User.objects.get(pk=browser.session["_auth_user_id"])
    session = guest_session(guest)
    purchase = opening.open_payment(owner=guest, session=session).purchase
    stripe.pay(purchase.stripe_session_id or "", **{"email": ADDRESS, **how})
    purchase = settled(purchase)
    Message.objects.all().delete()  # the receipts
    return purchase


def guest_session(guest: User) -> Any:
    from checkout import sessions

    return sessions.active_session_of(guest)


@pytest.fixture
def bought(client: Client, plus: Tier, stripe: SandboxProcess) -> Purchase:
    return buy(client, stripe)


def letters() -> list[Any]:
    sending.send_due()
    return list(mail.outbox)


def mailed_link(browser: Client | None = None) -> str:
    (browser or Client()).post(CLAIM, {"email": ADDRESS})
    link = re.search(r"http://testserver(/accounts/claim/\S+/)", letters()[-1].body)
    assert link
    return link.group(1)


def back(purchase: Purchase) -> str:
    return f"/purchases/return/{purchase.uuid}/?session_id={purchase.stripe_session_id}"


def test_the_link_opens_the_guests_things_in_another_browser(bought: Purchase) -> None:
    browser = Client()
    link = mailed_link()

    page = browser.get(link)
    assert (page.status_code, "Open my credits" in page.content.decode()) == (200, True)
    response = browser.post(link)

    assert response["Location"] == f"/purchases/{bought.uuid}/"
    receipt = browser.get(response["Location"]).content.decode()
    assert "Choose a password" in receipt
    assert 'data-balance="220"' in receipt


def test_looking_at_the_link_spends_nothing(bought: Purchase) -> None:
    link = mailed_link()

    for _ in range(3):
        assert Client().get(link).status_code == 200
        assert Client().head(link).status_code == 200
    assert Client().post(link).status_code == 302


def test_the_link_works_once(bought: Purchase) -> None:
    link = mailed_link()
    Client().post(link)

    for answer in (Client().get(link), Client().post(link)):
        assert answer.status_code == 410
        assert "Ask for a new link" in answer.content.decode()


def test_the_link_dies_after_seven_days(bought: Purchase) -> None:
    link = mailed_link()

    with time_machine.travel(timezone.now() + timedelta(days=7, minutes=1)):
        assert Client().post(link).status_code == 410


@pytest.mark.parametrize("token", ["x", "a:b:c", "WyJ4IiwgIiJd:1abc:zzz", "%00", "é"])
def test_a_forged_link_is_dead(db: None, token: str) -> None:
    assert Client().get(f"{CLAIM}{token}/").status_code == 410
    assert Client().post(f"{CLAIM}{token}/").status_code == 410


def test_a_member_who_follows_the_link_gets_everything(
    bought: Purchase, alice: User, alice_client: Client
) -> None:
    link = mailed_link()
    assert "Move them to my account" in alice_client.get(link).content.decode()

    response = alice_client.post(link)

    assert alice_client.get(response["Location"]).status_code == 200
    assert balance_of(alice).available == 220
    assert User.objects.get(is_guest=True).merged_into == alice
    assert Client().get(link).status_code == 410


def test_what_another_guest_has_comes_along(bought: Purchase, plus: Tier, stripe: SandboxProcess) -> None:
    other = Client()
    second = buy(other, stripe, email="other@example.com")

    other.post(mailed_link())

    guest = User.objects.get(merged_into=None)
    second.refresh_from_db()
    assert (bought.owner, second.owner) == (guest, guest)
    assert balance_of(guest).available == 440


def test_the_first_browser_still_works_after_the_link(bought: Purchase, client: Client) -> None:
    Client().post(mailed_link())

    assert client.get("/credits/").status_code == 200


def test_the_address_of_the_link_is_proven_at_registration(
    bought: Purchase, registration: dict[str, Any]
) -> None:
    browser = Client()
    browser.post(mailed_link())

    browser.post("/accounts/register/", {**registration, "email": ADDRESS})

    ann = User.objects.get()
    assert (ann.email, ann.email_verified_at is not None) == (ADDRESS, True)
    assert balance_of(ann).available == 220


def test_another_address_is_not_proven(bought: Purchase, registration: dict[str, Any]) -> None:
    browser = Client()
    browser.post(mailed_link())

    browser.post("/accounts/register/", registration)

    assert User.objects.get().email_verified_at is None


def test_the_link_proves_the_members_own_address(
    bought: Purchase, client: Client, registration: dict[str, Any]
) -> None:
    ann = User.objects.create_user(ADDRESS, "ann-password")
    browser = Client()
    browser.force_login(ann, backend="accounts.backends.PasswordBackend")

    browser.post(mailed_link())

    ann.refresh_from_db()
    assert ann.email_verified_at is not None


# --- nothing is told ---


def test_the_answer_is_the_same_for_every_address(bought: Purchase, alice: User) -> None:
    answers = [
        Client().post(CLAIM, {"email": typed}) for typed in (ADDRESS, "alice@example.com", "x@y.example")
    ]

    assert {(one.status_code, one["Location"]) for one in answers} == {(302, "/accounts/claim/sent/")}
    assert [letter.to for letter in letters()] == [[ADDRESS]]


def test_the_address_is_shown_on_no_page(bought: Purchase, client: Client) -> None:
    signed_out = Client()
    pages = [
        signed_out.get(back(bought), follow=True),
        Client().get(mailed_link()),
        client.get(back(bought)),
        client.get(f"/purchases/{bought.uuid}/"),
    ]

    assert [page.status_code for page in pages] == [200] * 4
    assert not any(ADDRESS in page.content.decode() for page in pages)


def test_the_address_is_not_shown_to_staff_either(bought: Purchase) -> None:
    root = User.objects.create_superuser("root@example.com", "root-password")
    browser = Client()
    browser.force_login(root, backend="accounts.backends.PasswordBackend")
    Client().post(CLAIM, {"email": ADDRESS})

    for path in (
        f"/admin/purchases/purchase/{bought.pk}/change/",
        f"/admin/outbox/message/{Message.objects.get().pk}/change/",
    ):
        page = browser.get(path)
        assert (page.status_code, ADDRESS in page.content.decode()) == (200, False)


def test_the_owner_alone_is_offered_the_address(bought: Purchase, client: Client) -> None:
    assert f'value="{ADDRESS}"' in client.get("/accounts/register/").content.decode()
    assert ADDRESS not in Client().get("/accounts/register/").content.decode()


def test_a_guest_who_comes_back_signed_out_gets_the_mail(bought: Purchase) -> None:
    for _ in range(3):
        response = Client().get(back(bought), follow=True)

    assert "a link is on its way to the address you gave" in response.content.decode()
    assert [letter.to for letter in letters()] == [[ADDRESS]]


def test_a_members_purchase_says_the_same_and_mails_nothing(
    alice: User, bought: Purchase, client: Client
) -> None:
    before = Client().get(back(bought), follow=True).content
    letters()
    client.post("/accounts/login/", {"username": "alice@example.com", "password": "alice-password"})

    after = Client().get(back(bought), follow=True).content

    assert text_of(before) == text_of(after)
    assert len(letters()) == 1


def text_of(page: bytes) -> str:
    return re.sub(r'value="[^"]*"|"X-CSRFToken": "\w+"|&quot;|[0-9a-f-]{32,36}', "", page.decode())


def test_an_unpaid_guest_is_not_written_to(client: Client, plus: Tier, stripe: SandboxProcess) -> None:
    client.post("/checkout/", {"tier": "plus"})
    guest = User.objects.get()
    purchase = opening.open_payment(owner=guest, session=guest_session(guest)).purchase

    Client().get(f"/purchases/cancelled/{purchase.uuid}/")

    assert letters() == []


def test_mails_to_one_address_are_counted(db: None, settings: Settings) -> None:
    settings.THROTTLES = {**settings.THROTTLES, "claim_mails": (2, 600)}

    answers = [
        Client().post(CLAIM, {"email": typed}, REMOTE_ADDR=f"198.51.100.{number}").status_code
        for number, typed in enumerate(["ann@example.com", "Ann@Example.com", " ann@example.com "])
    ]

    assert answers == [302, 302, 429]


def test_asking_without_a_token_is_refused(bought: Purchase) -> None:
    link = mailed_link()

    assert Client(enforce_csrf_checks=True).post(CLAIM, {"email": ADDRESS}).status_code == 403
    assert Client(enforce_csrf_checks=True).post(link).status_code == 403
    assert Client().get(link).status_code == 200


# --- a guest does not lose the only key by accident ---


@pytest.mark.parametrize("path", ["/accounts/logout/", "/accounts/password-change/"])
def test_a_guest_is_led_to_choosing_a_password(client: Client, plus: Tier, path: str) -> None:
    client.post("/checkout/", {"tier": "plus"})

    assert client.post(path)["Location"] == "/accounts/register/"
    assert "_auth_user_id" in client.session


@pytest.mark.django_db(transaction=True)
def test_two_clicks_on_a_link_at_once_are_one(bought: Purchase, alice: User, bob: User) -> None:
    link = mailed_link()
    browsers = [Client(), Client()]
    for browser, who in zip(browsers, (alice, bob), strict=True):
        browser.force_login(who, backend="accounts.backends.PasswordBackend")

    answers = together(*[lambda browser=browser: browser.post(link).status_code for browser in browsers])

    assert sorted(answers) == [302, 410]  # type: ignore[type-var]
    assert balance_of(alice).available + balance_of(bob).available == 220
