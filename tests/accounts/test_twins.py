"""Twins of guests and claims: each test again, without its guard, and bitten."""

from unittest import mock

import pytest
from django.db import IntegrityError
from django.test import Client

from accounts import claims, members
from accounts.models import User
from checkout.models import Tier
from credits import transfers
from purchases import claim_mail
from purchases import claiming as purchases_claiming
from purchases.models import Purchase
from tests.accounts import test_claim_links, test_claims, test_guests
from tests.sandbox_process import SandboxProcess
from tests.twins import bitten

instead = mock.patch.object


@pytest.fixture
def guest(db: None) -> User:
    return User.objects.create_guest()


@pytest.fixture
def bought(guest: User, plus: Tier, stripe: SandboxProcess) -> Purchase:
    purchase = test_claims.open_for(guest, plus)
    stripe.pay(purchase.stripe_session_id or "")
    return test_claims.settled(purchase)


@pytest.fixture
def bought_in_a_browser(client: Client, plus: Tier, stripe: SandboxProcess) -> Purchase:
    return test_claim_links.buy(client, stripe)


def test_without_the_transfer_the_credits_stay_behind(
    guest: User, alice: User, bought: Purchase, starter: Tier
) -> None:
    with instead(transfers, "transfer"), bitten("(220, 0) == (0, 220)"):
        test_claims.test_credits_purchases_and_orders_move(guest, alice, bought, starter)


def test_without_the_purchases_what_is_processing_goes_to_the_ended_guest(
    guest: User, alice: User, plus: Tier, stripe: SandboxProcess
) -> None:
    with instead(purchases_claiming, "claim", return_value=0), bitten("At index 1 diff: <User: guest "):
        test_claims.test_a_payment_still_processing_follows(guest, alice, plus, stripe)


def test_without_the_transfer_debt_is_left_with_the_ended_guest(
    guest: User, alice: User, bought: Purchase
) -> None:
    with instead(transfers, "transfer"), bitten("(0, 220) == (220, 0)"):
        test_claims.test_debt_follows(guest, alice, bought)


def test_without_the_transfer_what_a_hold_lets_go_of_is_lost(
    guest: User, alice: User, bought: Purchase
) -> None:
    with instead(transfers, "transfer"), bitten("assert 0 == 120"):
        test_claims.test_what_a_hold_lets_go_of_follows(guest, alice, bought)


def test_without_an_end_the_database_lets_nothing_of_a_guest_move(
    client: Client, alice: User, plus: Tier
) -> None:
    with instead(claims, "_end"), pytest.raises(IntegrityError, match="owner_moves_by_claim"):
        test_claims.test_the_guest_cannot_be_used_again(client, alice, plus)


def test_without_the_mark_a_members_browser_becomes_a_guest(alice: User, plus: Tier) -> None:
    with instead(members, "is_marked", return_value=False), bitten("assert '/checkout/"):
        test_guests.test_a_member_whose_session_ended_is_led_to_sign_in(alice, plus)
    assert User.objects.filter(is_guest=True).count() == 1


def test_without_the_mail_a_guest_whose_cookie_is_gone_has_paid_for_nothing(
    bought_in_a_browser: Purchase,
) -> None:
    with instead(claim_mail, "mail_link"), bitten("assert [] == [["):
        test_claim_links.test_a_guest_who_comes_back_signed_out_gets_the_mail(bought_in_a_browser)
