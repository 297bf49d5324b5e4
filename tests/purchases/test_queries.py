"""What a page may cost in queries, sessions of the database included."""

from collections.abc import Callable

import pytest
from django.test import Client

from accounts.models import User
from checkout.models import CheckoutSession, Tier
from purchases import fulfilment
from purchases.models import Purchase
from tests.purchases.conftest import completed, deliver

AtMost = Callable[[int], object]


def test_prices_take_three(
    alice_client: Client, session: CheckoutSession, starter: Tier, django_assert_num_queries: AtMost
) -> None:
    with django_assert_num_queries(3):  # type: ignore[attr-defined]  # session; person and balance; prices and order
        page = alice_client.get("/pricing/").content.decode()

    assert "data-balance=" in page
    assert f"/checkout/{session.pk}/" in page


def test_prices_take_one_for_a_visitor(client: Client, plus: Tier, django_assert_num_queries: AtMost) -> None:
    with django_assert_num_queries(1):  # type: ignore[attr-defined]
        client.get("/pricing/")


def test_the_result_takes_four(
    alice_client: Client, paid: Purchase, django_assert_num_queries: AtMost
) -> None:
    fulfilment.settle(paid.stripe_session_id or "", via=Purchase.Via.WEBHOOK)

    # Session; purchase; person and balance; what the purchase did.
    with django_assert_num_queries(4):  # type: ignore[attr-defined]
        page = alice_client.get(f"/purchases/return/{paid.uuid}/").content.decode()

    assert page.count('data-balance="220"') == 2


@pytest.mark.django_db(transaction=True)
def test_a_paid_webhook_takes_eleven(paid: Purchase, django_assert_num_queries: AtMost) -> None:
    # The event stored; the purchase. After Stripe's answer: begin; locks of owner, checkout session and purchase;
    # the grant; the purchase, with duplicates; two messages; commit. The event handled, with the tally.
    with django_assert_num_queries(11):  # type: ignore[attr-defined]
        deliver(completed(paid))

    assert Purchase.objects.get().status == "credited"


@pytest.mark.django_db(transaction=True)
def test_the_same_payment_told_again_takes_three(paid: Purchase, django_assert_num_queries: AtMost) -> None:
    deliver(completed(paid))

    # The event stored; the purchase, which is credited; the event handled, with the tally.
    with django_assert_num_queries(3):  # type: ignore[attr-defined]
        deliver(completed(paid, id="evt_2"))


@pytest.mark.django_db(transaction=True)
def test_coming_back_from_paying_takes_thirteen(
    alice_client: Client, paid: Purchase, django_assert_num_queries: AtMost
) -> None:
    # The purchase twice; settling; and of the page session, person and balance, what the purchase did.
    with django_assert_num_queries(13):  # type: ignore[attr-defined]
        page = alice_client.get(f"/purchases/return/{paid.uuid}/").content.decode()

    assert page.count('data-balance="220"') == 2


def test_a_balance_read_before_the_payment_is_read_again(
    alice: User, alice_client: Client, paid: Purchase
) -> None:
    page = alice_client.get(f"/purchases/return/{paid.uuid}/").content.decode()

    assert page.count('data-balance="220"') == 2
    assert 'data-balance="0"' not in page
