"""The panel's page and buttons."""

from typing import Any

from stripe import StripeClient

from tests.sandbox.browsing import get, post
from tests.sandbox.receiver import Receiver
from tests.sandbox_process import SandboxProcess


def press(sandbox: SandboxProcess, path: str, **form: str) -> str:
    """Where it leads."""
    page = post(f"{sandbox.url}/panel/{path}", form)
    assert page.status == 303
    return page.location


def test_empty_panel_can_be_opened(sandbox: SandboxProcess) -> None:
    page = get(f"{sandbox.url}/")
    assert page.status == 200
    assert page.text.count("Nothing yet.") == 3
    assert "script" not in page.text


def test_panel_lists_payments_deliveries_and_events(
    session: Any, sandbox: SandboxProcess, receiver: Receiver
) -> None:
    sandbox.pay(session.id, email="ann@example.com")
    receiver.wait_for(4)
    text = get(f"{sandbox.url}/").text
    assert f'data-session="{session.id}"' in text
    assert "ann@example.com" in text
    assert text.count("data-delivery=") == 4


def test_buttons_carry_a_payment_through(client: StripeClient, session: Any, sandbox: SandboxProcess) -> None:
    payment = f"payments/{session.id}"
    assert press(sandbox, payment, act="pay") == "/#payments"
    press(sandbox, payment, act="refund", amount="5.50")
    press(sandbox, payment, act="fail_refund")
    press(sandbox, payment, act="dispute")
    press(sandbox, payment, act="won")
    press(sandbox, payment, act="fraud_warning")
    (charge,) = client.v1.charges.list().data
    assert (charge.amount_refunded, charge.disputed) == (0, True)
    assert client.v1.refunds.list().data[0].amount == 550
    assert client.v1.disputes.list().data[0].status == "won"


def test_debit_and_expiry_have_buttons(client: StripeClient, session: Any, sandbox: SandboxProcess) -> None:
    sandbox.pay(session.id, method="bank_debit")
    press(sandbox, f"payments/{session.id}", act="succeed")
    assert client.v1.checkout.sessions.retrieve(session.id).payment_status == "paid"


def test_refused_button_says_why(client: StripeClient, session: Any, sandbox: SandboxProcess) -> None:
    place = press(sandbox, f"payments/{session.id}", act="refund")
    assert "This session has not been paid." in get(sandbox.url + place.partition("#")[0]).text
    assert client.v1.refunds.list().data == []


def test_mode_is_switched(sandbox: SandboxProcess) -> None:
    press(sandbox, "mode", mode="delayed", seconds="30")
    assert sandbox.control("delivery_mode") == {"mode": "delayed", "seconds": 30}
    assert '<option value="delayed" selected>' in get(f"{sandbox.url}/").text


def test_clock_is_moved(sandbox: SandboxProcess) -> None:
    press(sandbox, "clock", advance="3600")
    assert sandbox.control("clock")["ahead_seconds"] == 3600


def test_delivery_is_sent_again(session: Any, sandbox: SandboxProcess, receiver: Receiver) -> None:
    sandbox.control(f"sessions/{session.id}/expire")
    receiver.wait_for(1)
    seq = sandbox.control("deliveries")["deliveries"][0]["seq"]
    press(sandbox, f"deliveries/{seq}", act="twice")
    receiver.wait_for(3)


def test_object_can_be_read(session: Any, sandbox: SandboxProcess) -> None:
    page = get(f"{sandbox.url}/objects/{session.id}")
    assert "&quot;amount_total&quot;: 1800" in page.text


def test_page_of_another_site_cannot_press(session: Any, sandbox: SandboxProcess) -> None:
    url = f"{sandbox.url}/_control/sessions/{session.id}/pay"
    assert post(url, Origin="https://evil.example").status == 403
