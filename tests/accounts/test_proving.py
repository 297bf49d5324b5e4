"""A new member confirms the address: by the link in our mail, signed in, and by nothing else."""

import re
from datetime import timedelta
from typing import Any
from urllib.parse import unquote

import pytest
import time_machine
from django.core import mail, signing
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.models import User
from accounts.proving import mail_link, token_for
from outbox import sending
from outbox.models import Message

PROVE = "/accounts/prove/"


def letters() -> list[Any]:
    sending.send_due()
    return list(mail.outbox)


def is_proven(user: User) -> bool:
    return User.objects.get(pk=user.pk).email_verified_at is not None


@pytest.fixture
def dora(visitor: Client, registration: dict[str, Any]) -> User:
    """Registered a moment ago in this browser."""
    visitor.post("/accounts/register/", registration)
    return User.objects.get(email="dora@example.com")


def test_registering_sends_a_link_that_proves_the_address(visitor: Client, dora: User) -> None:
    (letter,) = letters()
    link = re.search(r"http://testserver(/accounts/prove/\S+/)", letter.body)
    assert link
    assert (letter.to, link[0] in letter.alternatives[0][0]) == (["dora@example.com"], True)
    assert not is_proven(dora)

    assert "Confirm my address" in visitor.get(link[1]).content.decode()
    assert not is_proven(dora)  # programs that scan mails open links
    page = visitor.post(link[1], follow=True).content.decode()

    assert "Your address is confirmed" in page
    assert is_proven(dora)
    assert PROVE not in visitor.get("/pricing/").content.decode()


def test_the_letter_is_german_for_who_reads_german(visitor: Client, registration: dict[str, Any]) -> None:
    visitor.post("/accounts/register/", registration, headers={"accept-language": "de"})

    assert letters()[0].subject == "Bestätigen Sie Ihre Adresse bei Coffer"


def test_a_guest_who_registers_is_written_to(visitor: Client, registration: dict[str, Any]) -> None:
    visitor.post("/api/v1/session/")
    visitor.post("/accounts/register/", registration)

    assert [letter.to for letter in letters()] == [["dora@example.com"]]


def test_a_taken_address_is_not_written_to(
    visitor: Client, alice: User, registration: dict[str, Any]
) -> None:
    visitor.post("/accounts/register/", {**registration, "email": "alice@example.com"})

    assert letters() == []


def test_signed_out_the_link_leads_to_sign_in_and_back(dora: User) -> None:
    address = f"{PROVE}{token_for(dora)}/"

    ways = [Client().get(address)["Location"], Client().post(address)["Location"]]

    assert [unquote(way) for way in ways] == [f"/accounts/login/?next={address}"] * 2
    assert not is_proven(dora)


def test_anothers_link_proves_nothing(alice: User, alice_client: Client, dora: User) -> None:
    page = alice_client.post(f"{PROVE}{token_for(dora)}/", follow=True).content.decode()

    assert "does not work any more" in page
    assert not is_proven(alice)
    assert not is_proven(dora)


@pytest.mark.parametrize("forged", ["nothing", "MQ:abc:def"])
def test_a_forged_link_proves_nothing(visitor: Client, dora: User, forged: str) -> None:
    visitor.post(f"{PROVE}{forged}/")

    assert not is_proven(dora)


def test_a_link_for_something_else_proves_nothing(visitor: Client, dora: User) -> None:
    visitor.post(f"{PROVE}{signing.dumps([dora.pk, 'x' * 32], salt='accounts.claim_links')}/")
    visitor.post(f"{PROVE}{signing.dumps([dora.pk, 'x' * 32], salt='accounts.proving')}/")

    assert not is_proven(dora)


def test_a_link_works_for_seven_days(visitor: Client, dora: User) -> None:
    with time_machine.travel(timezone.now() - timedelta(days=8)):
        old = token_for(dora)
    visitor.post(f"{PROVE}{old}/")
    assert not is_proven(dora)

    with time_machine.travel(timezone.now() - timedelta(days=6)):
        good = token_for(dora)
    visitor.post(f"{PROVE}{good}/")
    assert is_proven(dora)


def test_a_link_dies_with_its_address(visitor: Client, dora: User) -> None:
    before = token_for(dora)
    User.objects.filter(pk=dora.pk).update(email="dora@new.example")
    visitor.post(f"{PROVE}{before}/")

    assert not is_proven(dora)


def test_another_link_is_sent_on_request_once_an_hour(visitor: Client, dora: User) -> None:
    assert "a short while ago" in visitor.post(PROVE, follow=True).content.decode()
    Message.objects.all().delete()
    assert "on its way" in visitor.post(PROVE, follow=True).content.decode()
    visitor.post(PROVE)

    assert Message.objects.filter(topic="accounts.prove").count() == 1


def test_asking_often_is_slowed(visitor: Client, dora: User, settings: Settings) -> None:
    settings.THROTTLES = {**settings.THROTTLES, "proof_mails": (1, 60)}

    assert [visitor.post(PROVE).status_code for _ in range(2)] == [302, 429]


def test_a_proven_address_and_a_guest_are_not_written_to(alice: User) -> None:
    alice.email_verified_at = timezone.now()

    assert not mail_link(alice)
    assert not mail_link(User.objects.create_guest())
    assert not Message.objects.exists()


def test_a_guest_is_led_to_sign_in(client: Client, db: None) -> None:
    client.post("/api/v1/session/")

    assert client.get(PROVE)["Location"] == f"/accounts/login/?next={PROVE}"
