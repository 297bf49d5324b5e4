"""The operators' pages: shown, confirmed and done with the permission; neither page nor deed without."""

import re

import pytest
from django.test import Client
from structlog.testing import capture_logs

from accounts.models import User
from credits.balances import balance_of
from purchases import refunds
from purchases.fulfilment import settle
from purchases.models import OperatorAction, Purchase, Refund, StripeEvent
from tests.buyer import hidden
from tests.purchases.conftest import completed, deliver
from tests.purchases.operating import clerk, client_of
from tests.sandbox_process import SandboxProcess

PURCHASES = "/admin/purchases/purchase/"
EVENTS = "/admin/purchases/stripeevent/"


@pytest.fixture
def credited(paid: Purchase) -> Purchase:
    settle(paid.stripe_session_id or "", via=Purchase.Via.WEBHOOK)
    return Purchase.objects.get(pk=paid.pk)


def page_of(purchase: Purchase, tool: str) -> str:
    return f"{PURCHASES}{purchase.pk}/{tool}/"


def send(client: Client, address: str, **fields: object) -> str:
    """Load the form, fill it in, send it, and the preview's too where one comes."""
    page = client.get(address)
    assert page.status_code == 200
    filled = {**hidden(page.content.decode()), "reason": "The buyer asked", **fields}
    answer = client.post(address, filled, follow=True)
    html = answer.content.decode()
    if 'name="confirmed"' in html:
        html = client.post(address, hidden(html), follow=True).content.decode()
    return html


def test_settle_now(alice: User, paid: Purchase, admin_client: Client) -> None:
    assert "Done: credited" in send(admin_client, page_of(paid, "settle"))

    assert balance_of(alice).available == 220
    assert OperatorAction.objects.get().reason == "The buyer asked"


def test_a_refund_shows_the_credits_first(alice: User, credited: Purchase, admin_client: Client) -> None:
    address = page_of(credited, "refund")
    fields = {**hidden(admin_client.get(address).content.decode()), "reason": "Half", "amount_minor": 900}
    preview = admin_client.post(address, fields).content.decode()

    assert re.search(r"Credits taken back</th>\s*<td>110</td>", preview)
    assert balance_of(alice).available == 220
    assert not Refund.objects.exists()
    admin_client.post(address, hidden(preview))
    admin_client.post(address, hidden(preview))
    assert balance_of(alice).available == 110
    assert Refund.objects.get().amount_minor == 900


def test_the_deed_that_cannot_be_undone_is_marked(opened: Purchase, admin_client: Client) -> None:
    for_good = re.compile(r'class="default for-good"\s+value="Expire at Stripe"')

    assert for_good.search(admin_client.get(page_of(opened, "expire")).content.decode())
    assert "for-good" not in admin_client.get(page_of(opened, "settle")).content.decode()


def test_a_preview_does_not_look_like_the_deed(credited: Purchase, admin_client: Client) -> None:
    address = page_of(credited, "refund")
    form = admin_client.get(address).content.decode()
    preview = admin_client.post(address, {**hidden(form), "reason": "Half", "amount_minor": 900})

    assert "for-good" not in form
    assert re.search(r'for-good"\s+value="Refund \$9\.00"', preview.content.decode())
    assert f'{PURCHASES}{credited.pk}/change/">{credited.reference}</a>' in form


def test_a_second_click_on_a_full_refund_says_that_it_is_done(
    credited: Purchase, admin_client: Client
) -> None:
    address = page_of(credited, "refund")
    fields = {**hidden(admin_client.get(address).content.decode()), "reason": "All", "amount_minor": 1800}
    preview = hidden(admin_client.post(address, fields).content.decode())
    admin_client.post(address, preview)

    assert (
        "This was done already: succeeded"
        in admin_client.post(address, preview, follow=True).content.decode()
    )


def test_more_than_was_paid_cannot_be_refunded(credited: Purchase, admin_client: Client) -> None:
    assert "Not possible" in send(admin_client, page_of(credited, "refund"), amount_minor=1801)
    assert not Refund.objects.exists()


def test_an_amount_with_a_point_is_not_taken_for_cents(credited: Purchase, admin_client: Client) -> None:
    assert "no decimal point" in send(admin_client, page_of(credited, "refund"), amount_minor="3.00")
    assert not Refund.objects.exists()


def test_expire(opened: Purchase, admin_client: Client) -> None:
    assert "Done: expired" in send(admin_client, page_of(opened, "expire"))


def test_release_shows_what_differs(
    alice: User, opened: Purchase, admin_client: Client, stripe: SandboxProcess
) -> None:
    stripe.pay(opened.stripe_session_id or "", amount_total=900, amount_subtotal=900)
    settle(opened.stripe_session_id or "", via=Purchase.Via.WEBHOOK)
    page = admin_client.get(page_of(opened, "release")).content.decode()
    assert re.search(r"amount</th>\s*<td>1,?800</td>\s*<td>900</td>\s*<td>\s*<strong>differs", page)

    assert "Done: credited" in send(admin_client, page_of(opened, "release"))
    assert balance_of(alice).available == 220


def test_what_is_not_in_review_cannot_be_released(opened: Purchase, admin_client: Client) -> None:
    page = admin_client.get(page_of(opened, "release"), follow=True).content.decode()

    assert "Not possible: Stripe says that it is not paid." in page


def test_replay(alice: User, paid: Purchase, admin_client: Client) -> None:
    deliver(completed(paid))
    event = StripeEvent.objects.get()

    assert "Done: credited" in send(admin_client, f"{EVENTS}{event.pk}/replay/")


def test_adjust_previews_and_does_it_once(alice: User, admin_client: Client) -> None:
    address = f"{PURCHASES}adjust/"
    form = admin_client.get(address).content.decode()
    large = {**hidden(form), "reason": "Many", "email": "alice@example.com", "amount": 1_234_567}
    assert 'value="Adjust by +1,234,567"' in admin_client.post(address, large).content.decode()
    assert "Done: +30, now 30" in send(admin_client, address, email="ALICE@example.com", amount=30)
    assert balance_of(alice).available == 30

    assert "Not done" in send(admin_client, address, email=str(alice.pk), amount=-50)
    assert balance_of(alice).available == 30


@pytest.mark.parametrize(
    "fields",
    [
        {"email": "nobody@example.com", "amount": 5},
        {"email": "alice@example.com", "amount": 0},
        {"email": "alice@example.com", "amount": 10**13},
        {"email": "alice@example.com", "amount": "5.5"},
        {"email": "alice@example.com", "amount": "5.0"},
        {"email": "alice@example.com", "amount": "1_0"},
        {"email": "alice@example.com", "amount": 5, "reason": ""},
        {"email": "alice@example.com", "amount": 5, "key": "nonsense"},
    ],
)
def test_a_form_that_is_wrong_moves_nothing(
    alice: User, admin_client: Client, fields: dict[str, object]
) -> None:
    send(admin_client, f"{PURCHASES}adjust/", **fields)

    assert balance_of(alice).available == 0
    assert not OperatorAction.objects.exists()


def test_a_form_that_was_not_done_can_be_sent_again(
    alice: User, paid: Purchase, admin_client: Client, stripe: SandboxProcess
) -> None:
    stripe.control("faults", endpoint="*", kind="status", status=500, count=2)
    html = send(admin_client, page_of(paid, "settle"))
    assert "Not done" in html

    admin_client.post(page_of(paid, "settle"), {**hidden(html), "reason": "Again"})
    assert balance_of(alice).available == 220


@pytest.mark.parametrize("tool", ["settle", "expire", "refund", "release"])
def test_without_the_permission_neither_page_nor_deed(alice: User, paid: Purchase, tool: str) -> None:
    names = {f"{name}_purchase" for name in ("settle", "expire", "refund", "release", "view")}
    client = client_of(clerk(*names - {f"{tool}_purchase"}))
    address = page_of(paid, tool)

    assert client.get(address).status_code == 403
    assert client.post(address, {"reason": "x", "key": "0" * 32, "confirmed": 1}).status_code == 403
    assert f"/{tool}/" not in client.get(f"{PURCHASES}{paid.pk}/change/").content.decode()
    assert balance_of(alice).available == 0
    assert not OperatorAction.objects.exists()


def test_a_refused_try_stands_in_the_log(paid: Purchase) -> None:
    by = clerk("view_purchase")
    with capture_logs() as logs:
        client_of(by).get(page_of(paid, "refund"))

    (line,) = [line for line in logs if line["event"] == "operator_refused"]
    assert (line["kind"], line["by"], line["subject"]) == (
        "refund",
        f"staff:{by.pk}",
        page_of(paid, "refund"),
    )


def test_no_signature_and_nobody_s_address_is_shown(paid: Purchase) -> None:
    """To staff of any rights: the signature rebuilds a lost purchase, and Stripe's own pages show the person."""
    told = completed(paid)
    told["data"]["object"] |= {
        "customer_details": {"email": "alice@home.example", "name": "Alice Home"},
        "customer_email": "alice@home.example",
        "amount_total": 1800,
    }
    deliver(told)
    event = StripeEvent.objects.get()
    client = client_of(clerk("view_purchase", "view_stripeevent", "change_purchase", "change_stripeevent"))

    purchase_page = client.get(f"{PURCHASES}{paid.pk}/change/").content.decode()
    event_page = client.get(f"{EVENTS}{event.pk}/change/").content.decode()

    assert "unit_amount" in purchase_page
    assert "amount_total" in event_page
    assert paid.request["metadata"]["signature"] not in purchase_page
    assert "home.example" not in event_page
    assert "Alice Home" not in event_page


def test_without_the_permission_no_replay_and_no_adjustment(alice: User, paid: Purchase) -> None:
    deliver(completed(paid))
    event = StripeEvent.objects.get()
    client = client_of(clerk("view_stripeevent", "view_purchase"))

    for address in (f"{EVENTS}{event.pk}/replay/", f"{PURCHASES}adjust/"):
        assert client.get(address).status_code == 403
        assert client.post(address, {"reason": "x"}).status_code == 403
    assert "replay/" not in client.get(f"{EVENTS}{event.pk}/change/").content.decode()
    assert "adjust/" not in client.get(PURCHASES).content.decode()


@pytest.mark.parametrize(
    "address", ["purchase/diagnose/", "purchase/duplicates/", "stripeevent/webhooks/", "purchase/adjust/"]
)
def test_who_may_not_look_does_not_see(alice_client: Client, address: str, db: None) -> None:
    whole = f"/admin/purchases/{address}"
    assert client_of(clerk("settle_purchase")).get(whole).status_code == 403
    assert alice_client.get(whole).status_code == 302
    assert Client().get(whole).status_code == 302


def test_only_what_is_possible_is_offered(opened: Purchase, admin_client: Client) -> None:
    page = admin_client.get(f"{PURCHASES}{opened.pk}/change/").content.decode()
    tools = {tool for tool in ("settle", "expire", "refund", "release") if f"{opened.pk}/{tool}/" in page}

    assert tools == {"settle", "expire"}


def test_paid_twice_is_listed_with_a_refund_button(
    opened: Purchase, stripe: SandboxProcess, admin_client: Client
) -> None:
    stripe.pay(opened.stripe_session_id or "")
    settle(opened.stripe_session_id or "", via=Purchase.Via.WEBHOOK)
    Purchase.objects.update(is_duplicate=True)

    page = admin_client.get(f"{PURCHASES}duplicates/").content.decode()
    assert page_of(opened, "refund") in page
    looker = client_of(clerk("view_purchase")).get(f"{PURCHASES}duplicates/").content.decode()
    assert opened.reference in looker
    assert page_of(opened, "refund") not in looker


def test_actions_are_found_by_their_purchase(paid: Purchase, admin_client: Client) -> None:
    send(admin_client, page_of(paid, "settle"))
    actions = "/admin/purchases/operatoraction/"

    assert "The buyer asked" in admin_client.get(f"{actions}?q=purchase:{paid.uuid}").content.decode()
    assert "The buyer asked" not in admin_client.get(f"{actions}?q=purchase:{'0' * 8}").content.decode()
    action = OperatorAction.objects.get()
    assert admin_client.post(f"{actions}{action.pk}/delete/", {"post": "yes"}).status_code == 403


def test_pages_have_nothing_inline(credited: Purchase, admin_client: Client) -> None:
    inline = re.compile(r"<script(?![^>]*\ssrc=)|\sstyle=|\son[a-z]+=", re.IGNORECASE)
    addresses = [page_of(credited, "refund"), f"{PURCHASES}diagnose/?payment={credited.uuid}"]
    addresses += [f"{PURCHASES}duplicates/", f"{PURCHASES}adjust/", f"{EVENTS}webhooks/"]

    for address in addresses:
        answer = admin_client.get(address)
        assert answer.status_code == 200
        assert not inline.search(answer.content.decode()), address


def test_money_is_written_with_its_currency(
    admin_client: Client, credited: Purchase, stripe: SandboxProcess
) -> None:
    stripe.control(f"sessions/{credited.stripe_session_id}/refund", amount=900)
    refunds.sync(credited, via=Purchase.Via.WEBHOOK)

    one = admin_client.get(f"{PURCHASES}{credited.pk}/change/").content.decode()
    session = admin_client.get(f"/admin/checkout/checkoutsession/{credited.checkout_session_id}/change/")
    assert re.findall(r'<div class="readonly">(\$[\d.]+)</div>', one) == [
        "$18.00",  # price
        "$18.00",  # before tax and discounts
        "$0.00",  # discount
        "$0.00",  # tax
        "$18.00",  # paid
        "$9.00",  # refunded
        "$0.00",  # disputed
    ]
    assert '<div class="readonly">$18.00</div>' in session.content.decode()
    assert "$18.00" in admin_client.get(PURCHASES).content.decode()
    assert "$9.00" in admin_client.get("/admin/purchases/refund/").content.decode()
