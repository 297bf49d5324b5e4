"""What a buyer sees of money that went back: on the receipt, in the list, on the result page, in the statement."""

import re

import pytest
from django.test import Client

from accounts.models import User
from checkout import sessions
from checkout.models import Tier
from credits import spending
from outbox.letters import Letter, written
from outbox.models import Message
from purchases import opening
from purchases.models import Purchase
from tests.purchases.returning import credited, tell
from tests.sandbox_process import SandboxProcess


@pytest.fixture
def bought(paid: Purchase) -> Purchase:
    return credited(paid)


def seen(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def pages(client: Client, purchase: Purchase) -> tuple[str, str, str]:
    """Receipt, list, result."""
    result = f"/purchases/return/{purchase.uuid}/?session_id={purchase.stripe_session_id}"
    return tuple(seen(client, page) for page in (f"/purchases/{purchase.uuid}/", "/purchases/", result))  # type: ignore[return-value]


def outbox_letter(key: str) -> Letter:
    message = Message.objects.get(key=key)
    return written(message.topic, message.context, language="en")


def heading(page: str) -> str:
    return words(re.findall(r"<h1.*?</h1>", page)[0])


def rows(page: str) -> dict[str, str]:
    """The rows of its summaries."""
    found = re.findall(r"<dt>(.*?)</dt> <dd[^>]*>(.*?)</dd>", page)
    return {words(name): words(value) for name, value in found}


def words(html: str) -> str:
    text = " ".join(re.sub(r"<[^>]+>", "", html).split())
    return text.replace(" ,", ",").replace("\N{MINUS SIGN}", "-")


def test_a_part_is_said_with_its_amount_and_credits(
    alice_client: Client, bought: Purchase, stripe: SandboxProcess
) -> None:
    stripe.control(f"sessions/{bought.stripe_session_id}/refund", amount=900)
    tell(stripe, "charge.refunded")

    receipt, history, result = pages(alice_client, bought)
    for page in (receipt, history):
        assert "Partly refunded" in page
    for page in (receipt, result):
        assert "$9.00 of this purchase was refunded." in page
        assert "110 credits of it were taken back." in page
    assert 'data-purchase-state="credited"' in result
    assert heading(result) == "A part of this purchase was refunded, your balance is 110"
    assert rows(receipt)["Credits taken back"] == "- 110"
    assert "the credits can be used right away" not in result


def test_all_of_it_is_refunded(alice_client: Client, bought: Purchase, stripe: SandboxProcess) -> None:
    stripe.control(f"sessions/{bought.stripe_session_id}/refund")
    tell(stripe, "charge.refunded")

    receipt, history, result = pages(alice_client, bought)
    assert "Refunded" in receipt
    assert "Refunded" in history
    assert "Partly" not in receipt + history
    assert "<title> This purchase was refunded · Coffer</title>" in result
    assert heading(result) == "This purchase was refunded, your balance is 0"
    assert "credits added" not in result
    assert rows(result) == {
        "Paid": "$18.00",
        "Refunded": "- $18.00",
        "Credits added": "+ 220",
        "Credits taken back": "- 220",
    }


def test_a_dispute_is_called_one(alice_client: Client, bought: Purchase, stripe: SandboxProcess) -> None:
    stripe.control(f"sessions/{bought.stripe_session_id}/dispute")
    tell(stripe)

    receipt, history, result = pages(alice_client, bought)
    assert heading(result) == "This payment was disputed, your balance is 0"
    assert rows(receipt)["Taken back by your bank"] == rows(result)["Taken back by your bank"] == "- $18.00"
    assert "Your bank has taken $18.00 of this payment back" in receipt
    assert "Disputed" in receipt
    assert "Disputed" in history


@pytest.mark.parametrize("end", ["a refund that failed", "a dispute that was won"])
def test_what_came_to_nothing_is_said_no_more(
    alice_client: Client, bought: Purchase, stripe: SandboxProcess, end: str
) -> None:
    if "refund" in end:
        made = stripe.control(f"sessions/{bought.stripe_session_id}/refund")["id"]
        tell(stripe)
        stripe.control(f"refunds/{made}/fail")
    else:
        made = stripe.control(f"sessions/{bought.stripe_session_id}/dispute")["id"]
        tell(stripe)
        stripe.control(f"disputes/{made}/close", outcome="won")
    tell(stripe)

    for page in pages(alice_client, bought):
        assert "taken back" not in page
        assert "efunded" not in page
        assert "Disputed" not in page


def test_the_statement_names_both(alice_client: Client, bought: Purchase, stripe: SandboxProcess) -> None:
    refund = stripe.control(f"sessions/{bought.stripe_session_id}/refund")["id"]
    tell(stripe)
    stripe.control(f"refunds/{refund}/fail")
    tell(stripe)

    statement = seen(alice_client, "/credits/")
    assert "Taken back after a refund or dispute" in statement
    assert "Given back: the refund failed or the dispute was won" in statement


@pytest.fixture
def owing(alice: User, bought: Purchase, stripe: SandboxProcess) -> User:
    """Spent everything, and was refunded: 220 are owed."""
    spending.spend(user=alice, amount=220, scope="jobs", key="all")
    stripe.control(f"sessions/{bought.stripe_session_id}/refund")
    tell(stripe, "charge.refunded")
    return alice


def test_debt_is_said_before_one_pays(
    owing: User, alice_client: Client, plus: Tier, bought: Purchase
) -> None:
    order = sessions.start(owner=owing, tier=plus)

    owed = "220 credits are owed after a refund or dispute; your next purchase settles them first."
    for page in ("/pricing/", "/pricing/plus/", f"/checkout/{order.pk}/", "/credits/"):
        assert owed in seen(alice_client, page)
    for page in ("/pricing/plus/", f"/checkout/{order.pk}/"):
        assert "This one settles 200 of them, and 20 stay owed." in seen(alice_client, page)
    assert "Until then no credits can be spent." in seen(alice_client, "/credits/")
    for page in pages(alice_client, bought)[::2]:
        assert owed in page


def test_what_is_left_of_an_order_is_said_before_one_pays(
    alice: User, alice_client: Client, bought: Purchase, plus: Tier, stripe: SandboxProcess
) -> None:
    spending.spend(user=alice, amount=150, scope="jobs", key="some")
    stripe.control(f"sessions/{bought.stripe_session_id}/refund")
    tell(stripe, "charge.refunded")

    assert "Of this one, 70 credits are left to spend." in seen(alice_client, "/pricing/plus/")


def test_a_purchase_that_settles_debt_says_so(
    owing: User, alice_client: Client, plus: Tier, stripe: SandboxProcess
) -> None:
    order = sessions.start(owner=owing, tier=plus)
    second = opening.open_payment(owner=owing, session=order).purchase
    stripe.pay(second.stripe_session_id or "")

    result = pages(alice_client, credited(second))[2]
    assert rows(result) == {
        "Balance before": "0",
        "Plus": "+ 200",
        "Bonus": "+ 20",
        "Debt settled": "- 200",
        "Balance after": "20",
    }
    assert "20 credits are owed after a refund or dispute" in result
    assert "can be used right away" not in result
    letter = outbox_letter(f"purchase.credited:{second.uuid}")
    assert "220 credits, of which 200 settled what was owed after a refund or dispute." in letter.text
    assert "220 credits, of which 200 settled what was owed after a refund or dispute." in letter.html
    assert "right away" not in letter.text + letter.html


def test_a_refund_of_what_was_never_credited_is_called_one(
    alice_client: Client, paid: Purchase, stripe: SandboxProcess
) -> None:
    fields = {"status": "review", "amount_total": 1800, "refunded_minor": 1800}
    Purchase.objects.filter(pk=paid.pk).update(**fields)

    receipt = seen(alice_client, f"/purchases/{paid.uuid}/")
    assert "We have your payment, but" not in receipt
    assert "$18.00 of this purchase was refunded." in receipt
