"""A tier is taken off sale: what was begun ends and its page helps; what is paid is honoured."""

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from accounts.models import User
from checkout import sessions
from checkout.errors import TierNotSold
from checkout.models import CheckoutSession, Tier
from checkout.withdrawing import withdraw
from credits.balances import balance_of
from purchases import opening
from purchases.fulfilment import settle
from purchases.models import Purchase
from tests.checkout.conftest import BeginSession
from tests.sandbox_process import SandboxProcess

TIERS = "/admin/checkout/tier/"


def test_active_sessions_of_it_end_and_others_stay(
    alice: User, bob: User, begin: BeginSession, starter: Tier, plus: Tier
) -> None:
    mine, other = begin(), begin(owner=bob, tier=starter)

    assert withdraw(tier=plus) == 1

    for session in (mine, other, plus):
        session.refresh_from_db()
    assert (mine.status, mine.end_reason, plus.active) == ("invalidated", "tier_withdrawn", False)
    assert other.is_active
    assert withdraw(tier=plus) == 0


def test_nothing_of_it_can_begin(alice: User, plus: Tier) -> None:
    withdraw(tier=plus)

    with pytest.raises(TierNotSold):
        sessions.start(owner=alice, tier=plus)
    assert CheckoutSession.objects.count() == 0


def test_the_page_of_an_ended_order_says_so(alice_client: Client, begin: BeginSession, plus: Tier) -> None:
    session = begin()
    withdraw(tier=plus)

    for response in (
        alice_client.get(f"/checkout/{session.pk}/"),
        alice_client.post(f"/purchases/pay/{session.pk}/", follow=True),
    ):
        page = response.content.decode()
        assert response.status_code == 200
        assert "Plus is no longer for sale. Nothing was charged for this order" in page


def test_a_payment_page_that_was_open_is_honoured(alice: User, plus: Tier, stripe: SandboxProcess) -> None:
    session = sessions.start(owner=alice, tier=plus)
    purchase = opening.open_payment(owner=alice, session=session).purchase
    withdraw(tier=plus)

    stripe.pay(purchase.stripe_session_id or "")
    settle(purchase.stripe_session_id or "", via=Purchase.Via.WEBHOOK)

    assert balance_of(alice).available == 220


@pytest.fixture
def operator(db: None, client: Client) -> Client:
    staff = User.objects.create_user("operator@example.com", "operator-password", is_staff=True)
    staff.user_permissions.set(Permission.objects.filter(codename__in=["view_tier", "change_tier"]))
    client.force_login(staff, backend="accounts.backends.PasswordBackend")
    return client


def test_the_action_withdraws(operator: Client, begin: BeginSession, plus: Tier) -> None:
    session = begin()

    page = operator.post(TIERS, {"action": "withdraw", "_selected_action": [plus.pk]}, follow=True)

    session.refresh_from_db()
    assert session.end_reason == "tier_withdrawn"
    assert "Plus is withdrawn; 1 orders that were begun have ended." in page.content.decode()


@pytest.mark.django_db(transaction=True)
def test_switching_it_off_in_the_list_withdraws(operator: Client, begin: BeginSession, plus: Tier) -> None:
    session = begin()

    row = {"form-0-id": str(plus.pk), "form-0-order": "0", "_save": "Save"}
    operator.post(TIERS, {"form-TOTAL_FORMS": "1", "form-INITIAL_FORMS": "1", **row})

    session.refresh_from_db()
    assert session.end_reason == "tier_withdrawn"


def test_staff_who_may_only_look_has_no_such_action(
    operator: Client, begin: BeginSession, plus: Tier
) -> None:
    User.objects.get(email="operator@example.com").user_permissions.set(
        Permission.objects.filter(codename="view_tier")
    )
    session = begin()

    operator.post(TIERS, {"action": "withdraw", "_selected_action": [plus.pk]})

    session.refresh_from_db()
    assert session.is_active
