"""The payment page as a buyer without JavaScript meets it."""

import html
from typing import Any

import pytest
from stripe import StripeClient

from tests.sandbox.browsing import Page, get, post
from tests.sandbox.conftest import asked, line
from tests.sandbox_process import SandboxProcess

GOOD = {
    "email": "ann@example.com",
    "method": "card",
    "card_number": "4242 4242 4242 4242",
    "exp": "12/34",
    "cvc": "123",
    "name": "Ann Example",
}


def state(client: StripeClient, session: Any) -> tuple[str | None, str]:
    now = client.v1.checkout.sessions.retrieve(session.id)
    return now.status, now.payment_status


def succeeded(page: Page, session: Any) -> bool:
    return (page.status, page.location) == (
        303,
        f"http://localhost:8000/return/?session_id={session.id}",
    )


def test_page_shows_what_is_paid_for(session: Any) -> None:
    page = get(session.url)
    assert page.status == 200
    for text in ("Sandbox", "No real money", "Plus", "18.00 USD", "4242 4242 4242 4242"):
        assert text in page.text
    assert 'href="http://localhost:8000/cancelled/"' in page.text
    assert "script" not in page.text


def test_good_card_leads_back_to_the_shop(client: StripeClient, session: Any) -> None:
    assert succeeded(post(session.url, GOOD), session)
    assert state(client, session) == ("complete", "paid")


def test_second_click_leads_to_the_same_place(client: StripeClient, session: Any) -> None:
    post(session.url, GOOD)
    assert succeeded(post(session.url, GOOD), session)
    assert len(client.v1.charges.list().data) == 1


@pytest.mark.parametrize(
    ("number", "said"),
    [
        ("4000 0000 0000 0002", "Your card was declined."),
        ("4000 0000 0000 9995", "Your card has insufficient funds."),
    ],
)
def test_decline_is_said_and_the_session_stays_open(
    client: StripeClient, session: Any, number: str, said: str
) -> None:
    page = post(session.url, GOOD | {"card_number": number})
    assert (page.status, said in page.text) == (402, True)
    assert f'value="{number}"' not in page.text
    assert 'value="ann@example.com"' in page.text
    assert state(client, session) == ("open", "unpaid")


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("email", "ann", "Please enter your e-mail address."),
        ("card_number", "4242 4242 4242 4243", "Your card number is invalid."),
        ("card_number", "5200 8282 8282 8210", "takes test cards only"),
        ("exp", "01/20", "Please enter a month that lies ahead"),
        ("cvc", "12", "three or four digits"),
    ],
)
def test_wrong_field_is_said_beside_it(
    client: StripeClient, session: Any, field: str, value: str, said: str
) -> None:
    page = post(session.url, GOOD | {field: value})
    assert (page.status, said in html.unescape(page.text)) == (422, True)
    assert f'aria-describedby="{field}-problem"' in page.text
    assert state(client, session) == ("open", "unpaid")


@pytest.mark.parametrize("number", ["4000002500003155", "4000002760003184"])
def test_three_d_secure_authorized(
    client: StripeClient, session: Any, sandbox: SandboxProcess, number: str
) -> None:
    step = post(session.url, GOOD | {"card_number": number})
    assert (step.status, step.location) == (303, f"{sandbox.url}/c/3ds/{session.id}")
    assert "Authorize" in get(step.location).text
    assert state(client, session) == ("open", "unpaid")
    assert succeeded(post(step.location, {"action": "authorize"}), session)
    assert state(client, session) == ("complete", "paid")


def test_three_d_secure_failed(client: StripeClient, session: Any, sandbox: SandboxProcess) -> None:
    post(session.url, GOOD | {"card_number": "4000002500003155"})
    page = post(f"{sandbox.url}/c/3ds/{session.id}", {"action": "fail"})
    assert (page.status, "did not confirm this payment" in page.text) == (402, True)
    assert state(client, session) == ("open", "unpaid")
    assert succeeded(post(session.url, GOOD), session)


def test_bank_debit_completes_unpaid(client: StripeClient, session: Any) -> None:
    assert succeeded(post(session.url, {"email": "ann@example.com", "method": "bank_debit"}), session)
    assert state(client, session) == ("complete", "unpaid")


def test_failing_account_fails_when_the_debit_settles(client: StripeClient) -> None:
    process = SandboxProcess().start(debit_seconds=0)
    try:
        shop = StripeClient("sk_test_x", base_addresses={"api": process.url})
        session = shop.v1.checkout.sessions.create(asked())
        post(str(session.url), {"email": "a@example.com", "method": "bank_debit", "account": "000222222227"})
        assert state(shop, session) == ("complete", "unpaid")
        assert shop.v1.events.list().data[0].type == "checkout.session.async_payment_failed"
    finally:
        process.stop()


def test_debit_is_refused_where_it_is_not_offered(client: StripeClient) -> None:
    session = client.v1.checkout.sessions.create(asked(allowed_payment_method_types=["card"]))
    url = str(session.url)
    assert "bank_debit" not in get(url).text
    assert post(url, GOOD | {"method": "bank_debit"}).status == 422


def test_expired_page_says_so(client: StripeClient, session: Any) -> None:
    client.v1.checkout.sessions.expire(session.id)
    page = get(session.url)
    assert "This payment page has expired" in page.text
    assert 'href="http://localhost:8000/cancelled/"' in page.text
    assert post(session.url, GOOD).status == 410


def test_complete_page_says_so(session: Any) -> None:
    post(session.url, GOOD)
    page = get(session.url)
    assert "This payment is complete" in page.text
    assert f"session_id={session.id}" in page.text


def test_promotion_code_lowers_the_price(client: StripeClient) -> None:
    client.v1.coupons.create({"id": "TEN", "percent_off": 10})
    client.v1.promotion_codes.create({"code": "SAVE", "promotion": {"type": "coupon", "coupon": "TEN"}})
    session = client.v1.checkout.sessions.create(asked(allow_promotion_codes=True))
    assert post(f"{session.url}/promotion", {"code": "NOPE"}).status == 422
    assert post(f"{session.url}/promotion", {"code": "save"}).location == session.url
    assert "16.20 USD" in get(str(session.url)).text
    now = client.v1.checkout.sessions.retrieve(session.id)
    assert (now.amount_subtotal, now.amount_total) == (1800, 1620)


def test_free_order_needs_no_card(client: StripeClient) -> None:
    client.v1.coupons.create({"id": "ALL", "percent_off": 100})
    session = client.v1.checkout.sessions.create(asked(discounts=[{"coupon": "ALL"}]))
    url = str(session.url)
    assert "card_number" not in get(url).text
    assert succeeded(post(url, {"email": "ann@example.com"}), session)
    assert state(client, session) == ("complete", "no_payment_required")


def test_given_address_stays(client: StripeClient) -> None:
    session = client.v1.checkout.sessions.create(asked(customer_email="ann@example.com"))
    url = str(session.url)
    assert 'value="ann@example.com" readonly' in get(url).text
    post(url, GOOD | {"email": "eve@example.com"})
    paid = client.v1.checkout.sessions.retrieve(session.id)
    assert paid.customer_details is not None
    assert paid.customer_details.email == "ann@example.com"


def test_markup_in_names_is_shown_as_text(client: StripeClient) -> None:
    data = {"name": "<script>alert(1)</script>"}
    session = client.v1.checkout.sessions.create(
        asked(line_items=[line(product_data=data)], cancel_url='http://localhost:8000/"><b>')
    )
    page = get(str(session.url)).text
    assert "<script>" not in page
    assert '"><b>' not in page


def test_encoded_placeholder_is_left_alone(client: StripeClient) -> None:
    url = "http://localhost:8000/return/?session_id=%7BCHECKOUT_SESSION_ID%7D"
    session = client.v1.checkout.sessions.create(asked(success_url=url))
    assert post(str(session.url), GOOD).location == url


def test_form_of_another_site_is_refused(client: StripeClient, session: Any) -> None:
    assert post(session.url, GOOD, Origin="https://evil.example").status == 403
    assert state(client, session) == ("open", "unpaid")


def test_unknown_page_is_missing(sandbox: SandboxProcess) -> None:
    assert get(f"{sandbox.url}/c/pay/cs_test_unknown").status == 404


def test_receipt_can_be_read(client: StripeClient, session: Any) -> None:
    post(session.url, GOOD)
    (charge,) = client.v1.charges.list().data
    assert "18.00 USD" in get(str(charge.receipt_url)).text
