"""What a buyer sees of money that went back: on the receipt, in the list, on the result page, in the statement."""

import pytest
from django.test import Client

from accounts.models import User
from checkout import sessions
from checkout.models import Tier
from credits import spending
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
    assert "the credits can be used right away" not in result


def test_all_of_it_is_refunded(alice_client: Client, bought: Purchase, stripe: SandboxProcess) -> None:
    stripe.control(f"sessions/{bought.stripe_session_id}/refund")
    tell(stripe, "charge.refunded")

    receipt, history, _result = pages(alice_client, bought)
    assert "Refunded" in receipt
    assert "Refunded" in history
    assert "Partly" not in receipt + history


def test_a_dispute_is_called_one(alice_client: Client, bought: Purchase, stripe: SandboxProcess) -> None:
    stripe.control(f"sessions/{bought.stripe_session_id}/dispute")
    tell(stripe)

    receipt, history, _result = pages(alice_client, bought)
    assert "Your bank has taken $18.00 of this payment back." in receipt
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


def test_debt_is_said_before_one_pays(
    alice: User, alice_client: Client, bought: Purchase, plus: Tier, stripe: SandboxProcess
) -> None:
    spending.spend(user=alice, amount=220, scope="jobs", key="all")
    stripe.control(f"sessions/{bought.stripe_session_id}/refund")
    tell(stripe, "charge.refunded")
    order = sessions.start(owner=alice, tier=plus)

    for page in ("/pricing/", f"/checkout/{order.pk}/", "/credits/"):
        owed = "220 credits are owed after a refund; your next purchase settles them first."
        assert owed in seen(alice_client, page)
