"""POST purchases/reconcile/ and GET purchases/UUID/."""

import uuid

import pytest
from django.test import Client

from accounts.models import User
from checkout import sessions
from checkout.models import Tier
from purchases import opening
from purchases.models import Purchase
from tests.rest.calling import code_of
from tests.sandbox_process import SandboxProcess

API = "/api/v1/purchases/reconcile/"
JSON = "application/json"


@pytest.fixture
def opened(alice: User, plus: Tier, stripe: SandboxProcess) -> Purchase:
    """Alice is at Stripe's page."""
    session = sessions.start(owner=alice, tier=plus)
    return opening.open_payment(owner=alice, session=session).purchase


def test_payment_is_credited_by_asking(
    alice_client: Client, opened: Purchase, stripe: SandboxProcess
) -> None:
    stripe.pay(opened.stripe_session_id or "")

    answers = [alice_client.post(API, {"session_id": opened.stripe_session_id}, JSON) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200] * 3
    assert [answer.json() for answer in answers] == [{"ok": True, "state": "credited", "balance": 220}] * 3


def test_unpaid_session_is_not_ok(alice_client: Client, opened: Purchase) -> None:
    answer = alice_client.post(API, {"session_id": opened.stripe_session_id}, JSON).json()

    assert answer == {"ok": False, "state": "unknown", "balance": 0}


def test_silence_of_stripe_is_503_and_never_a_failure(
    alice_client: Client, opened: Purchase, settings: object
) -> None:
    settings.STRIPE_API_BASE = "http://127.0.0.1:9"  # type: ignore[attr-defined]

    response = alice_client.post(API, {"session_id": opened.stripe_session_id}, JSON)

    assert code_of(response) == (503, "stripe_unavailable")
    assert int(response.headers["Retry-After"]) > 0


def test_what_is_not_ones_own_is_400_and_stripe_is_not_asked(
    charlie_client: Client, opened: Purchase, stripe: SandboxProcess, settings: object
) -> None:
    stripe.pay(opened.stripe_session_id or "")
    settings.STRIPE_API_BASE = "http://127.0.0.1:9"  # type: ignore[attr-defined]
    wrong = [
        {"session_id": opened.stripe_session_id},
        {"session_id": "cs_test_unknown"},
        {"session_id": "nonsense"},
        {"session_id": ""},
        {"session_id": "cs_" + "x" * 5000},
        {"session_id": None},
        {"session_id": 5},
        {"session_id": ["cs_test_a"]},
        {},
    ]

    answers = [charlie_client.post(API, body, JSON) for body in wrong]

    assert {code_of(answer) for answer in answers} == {(400, "unknown_session")}
    assert len({answer.content for answer in answers}) == 1
    opened.refresh_from_db()
    assert opened.status == "open"


def test_purchase_tells_how_it_stands(alice_client: Client, opened: Purchase, stripe: SandboxProcess) -> None:
    stripe.pay(opened.stripe_session_id or "")
    alice_client.post(API, {"session_id": opened.stripe_session_id}, JSON)

    answer = alice_client.get(f"/api/v1/purchases/{opened.uuid}/").json()

    assert (answer["id"], answer["state"], answer["amount_total"]) == (str(opened.uuid), "credited", 1800)
    assert (answer["total_credits"], answer["currency"]) == (220, "USD")


def test_another_persons_purchase_is_404_as_an_unknown_one(charlie_client: Client, opened: Purchase) -> None:
    answers = [charlie_client.get(f"/api/v1/purchases/{number}/") for number in (opened.uuid, uuid.uuid4())]

    assert [code_of(answer) for answer in answers] == [(404, "not_found")] * 2
    assert answers[0].content == answers[1].content
