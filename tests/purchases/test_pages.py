"""The other pages of buying: prices, Pay, receipts; and who may see them."""

import re
import uuid

import pytest
from django.test import Client

from accounts.models import User
from checkout import sessions
from checkout.models import CheckoutSession, Tier
from purchases.models import Purchase
from tests.sandbox_process import SandboxProcess


def test_prices_are_for_everybody(client: Client, starter: Tier, plus: Tier) -> None:
    page = client.get("/pricing/").content.decode()

    assert 'name="tier" value="plus"' in page
    assert 'name="tier" value="starter"' in page
    assert "data-balance=" not in page


def test_a_saving_names_what_it_is_measured_against(client: Client, starter: Tier, plus: Tier) -> None:
    page = " ".join(client.get("/pricing/").content.decode().split())

    assert "$0.082 per credit, the least of all: 18% less than in Starter" in page
    assert page.count("less than in") == 1


def test_the_front_door_leads_to_the_prices(client: Client) -> None:
    assert client.get("/")["Location"] == "/pricing/"


def test_a_withdrawn_tier_is_not_shown(client: Client, plus: Tier) -> None:
    Tier.objects.update(active=False)

    assert 'value="plus"' not in client.get("/pricing/").content.decode()
    assert client.get("/pricing/plus/").status_code == 404


def test_a_tier_has_its_own_page(client: Client, plus: Tier) -> None:
    assert client.get("/pricing/plus/").status_code == 200
    assert client.get("/pricing/nothing/").status_code == 404


def test_an_unfinished_order_is_shown_with_the_prices(alice_client: Client, session: CheckoutSession) -> None:
    assert f"/checkout/{session.pk}/" in alice_client.get("/pricing/").content.decode()


def test_pay_leads_to_stripe_with_303(
    alice_client: Client, session: CheckoutSession, stripe: SandboxProcess
) -> None:
    answer = alice_client.post(f"/purchases/pay/{session.pk}/")

    assert answer.status_code == 303
    assert answer["Location"].startswith(f"{stripe.url}/c/pay/cs_test_")


def test_pay_twice_leads_to_one_page(
    alice_client: Client, session: CheckoutSession, stripe: SandboxProcess
) -> None:
    answers = [alice_client.post(f"/purchases/pay/{session.pk}/") for _ in range(2)]

    assert answers[0]["Location"] == answers[1]["Location"]
    assert Purchase.objects.count() == 1


def test_pay_when_paid_shows_the_result(
    alice_client: Client, session: CheckoutSession, paid: Purchase
) -> None:
    answer = alice_client.post(f"/purchases/pay/{session.pk}/")

    assert answer.status_code == 303
    assert answer["Location"] == f"/purchases/return/{paid.uuid}/?session_id={paid.stripe_session_id}"


def test_pay_when_it_waits_for_an_operator_shows_the_result_each_time(
    alice_client: Client, session: CheckoutSession, opened: Purchase, stripe: SandboxProcess
) -> None:
    stripe.pay(opened.stripe_session_id or "", amount_total=1)

    answers = [alice_client.post(f"/purchases/pay/{session.pk}/") for _ in range(2)]

    result = f"/purchases/return/{opened.uuid}/?session_id={opened.stripe_session_id}"
    assert [(answer.status_code, answer["Location"]) for answer in answers] == [(303, result)] * 2
    opened.refresh_from_db()
    assert opened.status == "review"


def test_extra_fields_change_nothing(
    alice_client: Client, session: CheckoutSession, stripe: SandboxProcess
) -> None:
    evil = {
        "price_minor": "1",
        "credits": "999999",
        "success_url": "https://evil.example",
        "status": "credited",
    }
    alice_client.post(f"/purchases/pay/{session.pk}/", evil)

    purchase = Purchase.objects.get()
    assert (purchase.price_minor, purchase.credits, purchase.status) == (1800, 200, "open")


def test_stripe_away_is_a_friendly_503(
    alice_client: Client, session: CheckoutSession, stripe: SandboxProcess
) -> None:
    stripe.control("faults", endpoint="POST /v1/checkout/sessions", kind="status", status=503, count=2)

    answer = alice_client.post(f"/purchases/pay/{session.pk}/")
    assert (answer.status_code, answer["Retry-After"]) == (503, "10")
    session.refresh_from_db()
    assert session.status == "active"


def test_pay_of_a_cancelled_order_leads_to_its_page(
    alice_client: Client, session: CheckoutSession, stripe: SandboxProcess
) -> None:
    sessions.cancel(session=session)

    assert alice_client.post(f"/purchases/pay/{session.pk}/")["Location"] == f"/checkout/{session.pk}/"
    assert Purchase.objects.count() == 0


def test_a_payment_under_way_is_said_and_can_be_bought_beside(
    alice: User, alice_client: Client, opened: Purchase, starter: Tier, stripe: SandboxProcess
) -> None:
    stripe.pay(opened.stripe_session_id or "", method="bank_debit")
    other = sessions.start(owner=alice, tier=starter)
    page = alice_client.post(f"/purchases/pay/{other.pk}/", follow=True)

    assert page.redirect_chain == [(f"/purchases/underway/{other.pk}/", 303)]
    assert 'name="again" value="1"' in page.content.decode()
    assert alice_client.post(f"/purchases/pay/{other.pk}/", {"again": "1"}).status_code == 303


def test_the_answer_of_a_form_is_come_back_to_at_the_front_door(
    alice_client: Client, session: CheckoutSession
) -> None:
    """Stripe is away; the language is chosen at the foot of a page whose address takes no GET."""
    page = alice_client.post(f"/purchases/pay/{session.pk}/")

    assert page.status_code == 503
    assert re.findall(r"name=.next.\s+value=.([^\"]*)", page.content.decode()) == ["/"]


def test_nothing_under_way_leads_to_the_order(
    alice_client: Client, charlie_client: Client, session: CheckoutSession
) -> None:
    said = f"/purchases/underway/{session.pk}/"

    assert alice_client.get(said)["Location"] == f"/checkout/{session.pk}/"
    assert charlie_client.get(said).status_code == 404


@pytest.mark.parametrize("path", ["/purchases/pay/{session}/", "/purchases/{purchase}/check/"])
def test_get_does_not_change_state(alice_client: Client, paid: Purchase, path: str) -> None:
    url = path.format(session=paid.checkout_session_id, purchase=paid.uuid)

    assert alice_client.get(url).status_code == 405


def test_pay_wants_its_token(alice: User, session: CheckoutSession) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(alice, backend="accounts.backends.PasswordBackend")

    assert strict.post(f"/purchases/pay/{session.pk}/").status_code == 403
    assert Purchase.objects.count() == 0


def test_another_persons_things_are_404(
    charlie_client: Client, paid: Purchase, session: CheckoutSession
) -> None:
    for path in (f"/purchases/{paid.uuid}/", f"/purchases/session/{session.pk}/"):
        assert charlie_client.get(path).status_code == 404
    assert charlie_client.post(f"/purchases/pay/{session.pk}/").status_code == 404
    assert charlie_client.post(f"/purchases/pay/{uuid.uuid4()}/").status_code == 404


@pytest.mark.parametrize("path", ["/purchases/", "/purchases/{purchase}/"])
def test_signed_out_leads_to_sign_in_and_back(client: Client, paid: Purchase, path: str) -> None:
    url = path.format(purchase=paid.uuid)

    assert client.get(url)["Location"] == f"/accounts/login/?next={url}"


def test_signed_out_at_a_part_of_a_page_leads_back_to_the_whole(client: Client, paid: Purchase) -> None:
    part = client.get(f"/purchases/{paid.uuid}/status/")

    assert part["Location"] == f"/accounts/login/?next=/purchases/return/{paid.uuid}/"


def test_the_history_lists_ones_own(alice_client: Client, charlie_client: Client, paid: Purchase) -> None:
    assert paid.reference in alice_client.get("/purchases/").content.decode()
    assert paid.reference not in charlie_client.get("/purchases/").content.decode()


@pytest.mark.parametrize(
    ("status", "label"),
    [
        ("open", "Total"),
        ("processing", "Total"),
        ("failed", "Total"),
        ("expired", "Total"),
        ("review", "Paid"),
    ],
)
def test_a_receipt_says_paid_of_money_that_came(
    alice_client: Client, opened: Purchase, status: str, label: str
) -> None:
    Purchase.objects.update(status=status, amount_total=1800)
    receipt = alice_client.get(f"/purchases/{opened.uuid}/").content.decode()

    assert re.findall(r"<dt>\s*(Paid|Total)\s*</dt>", receipt) == [label]


def test_a_checkout_session_leads_to_its_receipt(
    alice_client: Client, paid: Purchase, session: CheckoutSession
) -> None:
    alice_client.post(f"/purchases/{paid.uuid}/check/")

    assert alice_client.get(f"/checkout/{session.pk}/")["Location"] == f"/purchases/session/{session.pk}/"
    assert alice_client.get(f"/purchases/session/{session.pk}/")["Location"] == f"/purchases/{paid.uuid}/"
    receipt = alice_client.get(f"/purchases/{paid.uuid}/").content.decode()
    assert 'data-purchase-state="credited"' in receipt
