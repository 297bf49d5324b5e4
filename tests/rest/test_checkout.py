"""checkout/sessions/: start, validate, change, recover, pay; purchases/."""

import uuid
from typing import Any

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from accounts.models import User
from checkout import sessions
from checkout.models import CheckoutSession, Tier
from purchases.models import Purchase
from tests.buyer import session_id
from tests.rest.calling import code_of
from tests.sandbox_process import SandboxProcess

API = "/api/v1/checkout/sessions/"
JSON = "application/json"


@pytest.fixture
def session(alice: User, plus: Tier) -> CheckoutSession:
    return sessions.start(owner=alice, tier=plus)


def test_start_begins_one_session_a_person(alice_client: Client, plus: Tier) -> None:
    answers = [alice_client.post(API, {"tier": "plus"}, JSON) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [201, 200]
    assert answers[0].content == answers[1].content
    answer = answers[0].json()
    kept = CheckoutSession.objects.get()
    assert (answer["id"], answer["status"], answer["is_payable"]) == (str(kept.pk), "active", True)
    assert (answer["credits"], answer["bonus_credits"], answer["price_minor"]) == (200, 20, 1800)


@pytest.mark.parametrize(
    "body", [{"tier": "none"}, {"tier": ""}, {"tier": 5}, {}, {"tier": "plus", "price_minor": 1}]
)
def test_start_takes_a_tier_for_sale_and_nothing_else(
    alice_client: Client, plus: Tier, body: dict[str, object]
) -> None:
    assert code_of(alice_client.post(API, body, JSON))[0] == 400
    assert not CheckoutSession.objects.exists()


def test_look_changes_nothing(alice_client: Client, session: CheckoutSession) -> None:
    answer = alice_client.get(f"{API}{session.pk}/").json()

    assert (answer["status"], answer["is_payable"], answer["tier"]) == ("active", True, "plus")


def test_session_past_its_time_is_expired_booked_or_not(
    alice_client: Client, session: CheckoutSession
) -> None:
    _expire(session)

    answer = alice_client.get(f"{API}{session.pk}/").json()

    assert (answer["status"], answer["is_payable"]) == ("expired", False)
    session.refresh_from_db()
    assert session.status == "active"


def test_change_takes_another_tier(alice_client: Client, session: CheckoutSession, starter: Tier) -> None:
    response = alice_client.post(f"{API}{session.pk}/change/", {"tier": "starter"}, JSON)

    answer = response.json()
    assert (response.status_code, answer["tier"], answer["renewed_from"]) == (200, "starter", str(session.pk))


def test_recover_leads_to_a_live_session(alice_client: Client, session: CheckoutSession) -> None:
    _expire(session)

    answer = alice_client.post(f"{API}{session.pk}/recover/", {}, JSON).json()

    assert (answer["is_payable"], answer["recovered_from"]) == (True, str(session.pk))


def test_recover_asks_where_the_price_changed(
    alice_client: Client, session: CheckoutSession, plus: Tier
) -> None:
    Tier.objects.filter(pk=plus.pk).update(price_minor=2000)
    _expire(session)

    response = alice_client.post(f"{API}{session.pk}/recover/", {}, JSON)

    assert code_of(response) == (409, "price_changed")
    assert (response.json()["old_price_minor"], response.json()["new_price_minor"]) == (1800, 2000)
    agreed = alice_client.post(f"{API}{session.pk}/recover/", {"accept_price_minor": 2000}, JSON)
    assert agreed.json()["price_minor"] == 2000


def test_withdrawn_tier_cannot_be_recovered(
    alice_client: Client, session: CheckoutSession, plus: Tier
) -> None:
    Tier.objects.filter(pk=plus.pk).update(active=False)
    _expire(session)

    assert code_of(alice_client.post(f"{API}{session.pk}/recover/", {}, JSON)) == (409, "tier_not_sold")


@pytest.mark.parametrize("path", ["", "change/", "recover/", "pay/"])
def test_another_persons_session_is_404_as_an_unknown_one(
    charlie_client: Client, session: CheckoutSession, path: str
) -> None:
    body = {"tier": "plus"} if path == "change/" else {}

    def call(pk: uuid.UUID) -> Any:
        address = f"{API}{pk}/{path}"
        return charlie_client.post(address, body, JSON) if path else charlie_client.get(address)

    answers = [call(pk) for pk in (session.pk, uuid.uuid4())]

    assert [code_of(answer) for answer in answers] == [(404, "not_found")] * 2
    assert answers[0].content == answers[1].content


def test_starting_often_is_slowed(alice_client: Client, plus: Tier, settings: Settings) -> None:
    settings.THROTTLES = {**settings.THROTTLES, "starts": (2, 60)}

    answers = [alice_client.post(API, {"tier": "plus"}, JSON) for _ in range(3)]

    assert code_of(answers[2])[0] == 429


def test_pay_leads_to_one_page_however_often(
    alice_client: Client, session: CheckoutSession, stripe: SandboxProcess
) -> None:
    answers = [alice_client.post(f"{API}{session.pk}/pay/") for _ in range(2)]

    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    purchase = Purchase.objects.get()
    assert answers[0].json() == {"url": purchase.stripe_url, "purchase": str(purchase.uuid)}


def test_pay_says_503_while_stripe_is_away(alice_client: Client, session: CheckoutSession) -> None:
    response = alice_client.post(f"{API}{session.pk}/pay/", {}, JSON)

    assert code_of(response) == (503, "stripe_unavailable")
    assert int(response.headers["Retry-After"]) > 0


def test_terms_are_agreed_to_where_the_site_asks(
    alice_client: Client, session: CheckoutSession, stripe: SandboxProcess, settings: Settings
) -> None:
    settings.TERMS_URL, settings.TERMS_CONSENT = "https://shop.example.com/terms", True
    address = f"{API}{session.pk}/pay/"

    assert code_of(alice_client.post(address, {"accept_terms": False}, JSON)) == (400, "terms_not_accepted")
    assert not Purchase.objects.exists()
    assert alice_client.post(address, {"accept_terms": True}, JSON).status_code == 201
    assert Purchase.objects.get().terms_url == "https://shop.example.com/terms"


def test_paid_session_is_not_paid_again(
    alice_client: Client, session: CheckoutSession, stripe: SandboxProcess
) -> None:
    opened = alice_client.post(f"{API}{session.pk}/pay/").json()
    stripe.pay(session_id(opened["url"]))

    answers = [alice_client.post(f"{API}{session.pk}/pay/", {}, JSON) for _ in range(2)]

    assert [code_of(answer) for answer in answers] == [(409, "already_paid")] * 2
    assert {answer.json()["purchase"] for answer in answers} == {opened["purchase"]}


def _expire(session: CheckoutSession) -> None:
    """Let its time pass: expires_at may be shortened."""
    session.expires_at = session.created_at
    session.save(update_fields=["expires_at"])
