"""The way back from Stripe: whoever opens it, the owner is credited; only the owner sees anything."""

import uuid

import pytest
from django.test import Client

from accounts.models import User
from checkout.models import CheckoutSession
from credits.balances import balance_of
from purchases.models import Purchase
from tests.sandbox_process import SandboxProcess


def back(purchase: Purchase) -> str:
    return f"/purchases/return/{purchase.uuid}/?session_id={purchase.stripe_session_id}"


def state(html: bytes) -> str:
    return html.decode().split('data-purchase-state="')[1].split('"')[0]


def test_the_buyer_comes_back_to_credits(alice: User, alice_client: Client, paid: Purchase) -> None:
    answer = alice_client.get(back(paid))

    assert (answer.status_code, state(answer.content)) == (200, "credited")
    assert 'data-balance="220"' in answer.content.decode()
    assert Purchase.objects.get().credited_via == "return"
    assert balance_of(alice).available == 220


def test_fifty_reloads_ask_stripe_once(alice_client: Client, paid: Purchase, stripe: SandboxProcess) -> None:
    for _ in range(50):
        assert state(alice_client.get(back(paid)).content) == "credited"

    assert len(stripe.requests(method="GET", path="/v1/checkout/sessions/")) == 1


def test_a_stranger_is_led_to_sign_in_and_the_owner_credited(alice: User, paid: Purchase) -> None:
    answer = Client().get(back(paid))

    assert answer.status_code == 302
    assert answer["Location"].startswith("/accounts/login/?next=/purchases/return/")
    assert balance_of(alice).available == 220


def test_somebody_else_sees_nothing_and_the_owner_is_credited(
    alice: User, charlie: User, charlie_client: Client, paid: Purchase
) -> None:
    assert charlie_client.get(back(paid)).status_code == 404

    assert (balance_of(alice).available, balance_of(charlie).available) == (220, 0)


@pytest.mark.parametrize("forged", ["{CHECKOUT_SESSION_ID}", "cs_test_forged123", "", "x' or 1=1", "cs_é"])
def test_a_forged_id_is_404_without_asking_stripe(
    alice_client: Client, paid: Purchase, stripe: SandboxProcess, forged: str
) -> None:
    asked = len(stripe.requests())

    answer = alice_client.get(f"/purchases/return/{paid.uuid}/", {"session_id": forged})
    assert answer.status_code == 404
    assert len(stripe.requests()) == asked


def test_an_unknown_purchase_is_404_without_asking_stripe(
    alice_client: Client, stripe: SandboxProcess
) -> None:
    assert alice_client.get(f"/purchases/return/{uuid.uuid4()}/?session_id=cs_test_12345").status_code == 404
    assert alice_client.get("/purchases/return/not-a-uuid/").status_code == 404
    assert stripe.requests() == []


@pytest.mark.parametrize("path", ["return/{}/", "return/{}/?session_id=cs_test_12345", "cancelled/{}/"])
def test_a_stranger_does_not_learn_which_purchases_there_are(paid: Purchase, path: str) -> None:
    answers = [
        Client().get("/purchases/" + path.format(known), follow=True) for known in (paid.uuid, uuid.uuid4())
    ]

    known, unknown = ([str(message) for message in answer.context["messages"]] for answer in answers)
    assert known == unknown
    assert {answer.redirect_chain[-1][1] for answer in answers} == {302}
    assert {answer.redirect_chain[-1][0].partition("?")[0] for answer in answers} == {"/accounts/login/"}


def test_head_is_harmless(alice: User, alice_client: Client, paid: Purchase) -> None:
    assert alice_client.head(back(paid)).status_code == 200
    assert balance_of(alice).available == 0


def test_stripe_away_is_processing_never_failed(
    alice_client: Client, paid: Purchase, stripe: SandboxProcess
) -> None:
    stripe.control("faults", endpoint="GET /v1/checkout/sessions/*", kind="status", status=500, count=1)

    answer = alice_client.get(back(paid))
    assert state(answer.content) == "processing"
    assert f"/purchases/{paid.uuid}/check/" in answer.content.decode()


def test_a_delayed_debit_is_processing(
    alice_client: Client, opened: Purchase, stripe: SandboxProcess
) -> None:
    stripe.pay(opened.stripe_session_id or "", method="bank_debit")

    assert state(alice_client.get(back(opened)).content) == "processing"


def test_a_failed_debit_is_failed(alice_client: Client, opened: Purchase, stripe: SandboxProcess) -> None:
    stripe.pay(opened.stripe_session_id or "", method="bank_debit")
    stripe.control(f"sessions/{opened.stripe_session_id}/settle", succeed=False)

    assert state(alice_client.get(back(opened)).content) == "failed"


def test_not_paid_at_all_is_unknown_and_leads_on(alice_client: Client, opened: Purchase) -> None:
    assert state(alice_client.get(back(opened)).content) == "unknown"


def test_a_mismatch_is_review(alice_client: Client, paid: Purchase, stripe: SandboxProcess) -> None:
    stripe.control(f"sessions/{paid.stripe_session_id}/tamper", amount_subtotal=1)

    assert state(alice_client.get(back(paid)).content) == "review"


def test_an_expired_one_is_expired(alice_client: Client, opened: Purchase, stripe: SandboxProcess) -> None:
    stripe.control(f"sessions/{opened.stripe_session_id}/expire")

    assert state(alice_client.get(back(opened)).content) == "expired"


def test_cancelled_after_paying_shows_the_payment(alice: User, alice_client: Client, paid: Purchase) -> None:
    answer = alice_client.get(f"/purchases/cancelled/{paid.uuid}/")

    assert (answer.status_code, answer["Location"]) == (302, back(paid))
    assert balance_of(alice).available == 220


def test_cancelled_without_paying_leads_back_to_the_order(
    alice_client: Client, opened: Purchase, session: CheckoutSession
) -> None:
    answer = alice_client.get(f"/purchases/cancelled/{opened.uuid}/")

    assert answer.status_code == 200
    assert f"/purchases/pay/{session.pk}/" in answer.content.decode()


def test_cancelled_shows_nothing_to_others(charlie_client: Client, opened: Purchase) -> None:
    assert charlie_client.get(f"/purchases/cancelled/{opened.uuid}/").status_code == 404


def test_check_settles_and_leads_to_the_result(alice: User, alice_client: Client, paid: Purchase) -> None:
    answer = alice_client.post(f"/purchases/{paid.uuid}/check/")

    assert (answer.status_code, answer["Location"]) == (302, back(paid))
    assert balance_of(alice).available == 220


def test_the_waiting_page_asks_at_a_growing_pace_and_reloads_when_done(
    alice_client: Client, opened: Purchase, stripe: SandboxProcess
) -> None:
    stripe.pay(opened.stripe_session_id or "", method="bank_debit")
    htmx = {"HX-Request": "true"}
    check = f"/purchases/{opened.uuid}/check/"

    assert (
        'hx-trigger="load delay:2s, again"'
        in alice_client.post(f"{check}?asked=1", headers=htmx).content.decode()
    )
    assert "hx-trigger" not in alice_client.post(f"{check}?asked=13", headers=htmx).content.decode()
    stripe.control(f"sessions/{opened.stripe_session_id}/settle", succeed=True)
    assert alice_client.post(f"{check}?asked=2", headers=htmx)["HX-Refresh"] == "true"


def test_status_reads_and_asks_nobody(
    alice: User, alice_client: Client, charlie_client: Client, paid: Purchase, stripe: SandboxProcess
) -> None:
    asked = len(stripe.requests())
    status = f"/purchases/{paid.uuid}/status/"

    assert alice_client.get(status).status_code == 200
    assert charlie_client.get(status).status_code == 404
    assert (len(stripe.requests()), balance_of(alice).available) == (asked, 0)


def test_the_result_leads_back_to_where_buying_began(alice_client: Client, paid: Purchase) -> None:
    alice_client.post("/checkout/", {"tier": "plus", "next": "/credits/?a=1"})

    assert 'href="/credits/?a=1"' in alice_client.get(back(paid)).content.decode()
