"""A guest pays, then signs in: everything moves once, what arrives later follows, and the guest has ended."""

from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.db import IntegrityError, connection, transaction
from django.test import Client

from accounts.claims import claim
from accounts.errors import GuestEnded
from accounts.models import User
from accounts.registration import upgrade
from checkout import sessions
from checkout.errors import OwnerEnded, SessionNotActive
from checkout.models import CheckoutSession, Tier
from credits import spending
from credits.balances import balance_of
from credits.deposits import claw_back
from credits.proof import prove
from outbox import sending
from outbox.models import Message
from purchases import opening
from purchases.fulfilment import settle
from purchases.models import Purchase
from tests.sandbox_process import SandboxProcess

Status = CheckoutSession.Status


@pytest.fixture(autouse=True)
def _proved(db: None) -> Any:
    yield
    assert prove().problems == []


@pytest.fixture
def guest(db: None) -> User:
    return User.objects.create_guest()


def open_for(owner: User, tier: Tier) -> Purchase:
    session = sessions.start(owner=owner, tier=tier)
    return opening.open_payment(owner=owner, session=session).purchase


def settled(purchase: Purchase) -> Purchase:
    settle(purchase.stripe_session_id or "", via=Purchase.Via.WEBHOOK)
    purchase.refresh_from_db()
    return purchase


@pytest.fixture
def bought(guest: User, plus: Tier, stripe: SandboxProcess) -> Purchase:
    """The guest has bought 220 credits."""
    purchase = open_for(guest, plus)
    stripe.pay(purchase.stripe_session_id or "")
    return settled(purchase)


def available(user: User) -> int:
    return balance_of(user).available


def test_credits_purchases_and_orders_move(guest: User, alice: User, bought: Purchase, starter: Tier) -> None:
    order = sessions.start(owner=guest, tier=starter)

    claim(guest=guest, user=alice)

    bought.refresh_from_db()
    assert (available(guest), available(alice)) == (0, 220)
    assert (bought.owner, bought.opened_by_id) == (alice, guest.pk)
    assert sessions.active_session_of(alice) == order
    assert not CheckoutSession.objects.filter(owner=guest).exists()


def test_the_guest_cannot_be_used_again(client: Client, alice: User, plus: Tier) -> None:
    client.post("/checkout/", {"tier": "plus"})
    guest = User.objects.get(is_guest=True)

    claim(guest=guest, user=alice)

    guest.refresh_from_db()
    assert (guest.is_active, guest.merged_into) == (False, alice)
    assert client.get("/credits/").status_code == 302


def test_a_repeat_moves_nothing_twice(guest: User, alice: User, bought: Purchase) -> None:
    for _ in range(3):
        claim(guest=guest, user=alice)

    assert available(alice) == 220


@pytest.mark.parametrize("newer_is_guests", [True, False])
def test_the_newer_order_survives(
    guest: User, alice: User, starter: Tier, plus: Tier, newer_is_guests: bool
) -> None:
    people = [alice, guest] if newer_is_guests else [guest, alice]
    older, newer = (sessions.start(owner=who, tier=plus) for who in people)

    claim(guest=guest, user=alice)

    older.refresh_from_db()
    assert sessions.active_session_of(alice) == newer
    assert (older.owner, older.status, older.end_reason) == (alice, Status.INVALIDATED, "claimed")


def test_a_payment_still_processing_follows(
    guest: User, alice: User, plus: Tier, stripe: SandboxProcess
) -> None:
    purchase = open_for(guest, plus)
    stripe.pay(purchase.stripe_session_id or "", method="bank_debit")
    assert settled(purchase).status == "processing"

    claim(guest=guest, user=alice)
    stripe.control(f"sessions/{purchase.stripe_session_id}/settle", succeed=True)

    assert (settled(purchase).status, purchase.owner) == ("credited", alice)
    assert (available(guest), available(alice)) == (0, 220)


def test_a_page_that_the_guest_left_open_is_paid_to_the_user(
    guest: User, alice: User, plus: Tier, stripe: SandboxProcess
) -> None:
    purchase = open_for(guest, plus)

    claim(guest=guest, user=alice)
    stripe.pay(purchase.stripe_session_id or "")

    assert (settled(purchase).status, available(alice)) == ("credited", 220)


def test_a_purchase_rebuilt_after_the_claim_is_the_users(
    guest: User, alice: User, plus: Tier, stripe: SandboxProcess
) -> None:
    purchase = open_for(guest, plus)
    stripe.pay(purchase.stripe_session_id or "")
    claim(guest=guest, user=alice)
    Purchase.objects.filter(pk=purchase.pk).delete()

    settle(purchase.stripe_session_id or "", via=Purchase.Via.SWEEP)

    assert (Purchase.objects.get().owner, available(alice)) == (alice, 220)


def test_what_a_hold_lets_go_of_follows(guest: User, alice: User, bought: Purchase) -> None:
    held = spending.hold(user=guest, amount=100, expires_in=timedelta(hours=1), scope="jobs", key="1")

    claim(guest=guest, user=alice)
    assert available(alice) == 120
    assert held.hold is not None
    spending.release(hold=held.hold, scope="jobs", key="2")

    assert available(alice) == 220


def test_debt_follows(guest: User, alice: User, bought: Purchase) -> None:
    spending.spend(user=guest, amount=220, scope="jobs", key="1")
    claw_back(
        source=bought.stripe_session_id or "",
        returned_minor=1800,
        paid_minor=1800,
        scope="refunds",
        key="re_1",
    )

    claim(guest=guest, user=alice)

    assert (balance_of(alice).debt, balance_of(guest).debt) == (220, 0)


def test_a_mail_that_waits_goes_to_the_user(guest: User, alice: User, bought: Purchase) -> None:
    claim(guest=guest, user=alice)
    sending.send_due()

    assert [letter.to for letter in mail.outbox] == [["alice@example.com"]]


def test_a_guests_mail_goes_to_the_address_given_at_stripe(
    guest: User, plus: Tier, stripe: SandboxProcess
) -> None:
    purchase = open_for(guest, plus)
    stripe.pay(purchase.stripe_session_id or "", email="Ann@Example.com")

    settled(purchase)
    sending.send_due()

    assert purchase.buyer_email == "ann@example.com"
    assert [letter.to for letter in mail.outbox] == [["ann@example.com"]]


def test_a_guest_is_claimed_by_one(guest: User, alice: User, bob: User, bought: Purchase) -> None:
    claim(guest=guest, user=alice)

    with pytest.raises(GuestEnded):
        claim(guest=guest, user=bob)
    assert (available(alice), available(bob)) == (220, 0)


def test_members_and_the_ended_are_not_claimed(guest: User, alice: User, bob: User) -> None:
    for source, target in ((alice, bob), (guest, guest)):
        with pytest.raises(GuestEnded):
            claim(guest=source, user=target)
    claim(guest=guest, user=alice)
    with pytest.raises(GuestEnded):
        claim(guest=User.objects.create_guest(), user=guest)

    alice.refresh_from_db()
    assert alice.is_active


def test_nothing_new_begins_for_an_ended_guest(guest: User, alice: User, plus: Tier) -> None:
    order = sessions.start(owner=guest, tier=plus)
    claim(guest=guest, user=alice)

    with pytest.raises(OwnerEnded):
        sessions.start(owner=guest, tier=plus)
    with pytest.raises(SessionNotActive):
        opening.open_payment(owner=guest, session=order)
    assert Purchase.objects.count() == 0


# --- at sign-in ---


def sign_in(browser: Client, **fields: str) -> Any:
    known = {"username": "alice@example.com", "password": "alice-password"}
    return browser.post("/accounts/login/", {**known, **fields})


def test_signing_in_from_a_guests_browser_brings_everything(client: Client, alice: User, plus: Tier) -> None:
    order = client.post("/checkout/", {"tier": "plus"})["Location"]
    key = client.session.session_key

    response = sign_in(client, next=order)

    assert response["Location"] == order
    assert client.get(order).status_code == 200
    assert client.session["_auth_user_id"] == str(alice.pk)
    assert client.session.session_key != key
    assert CheckoutSession.objects.get().owner == alice


def test_a_wrong_password_moves_nothing(client: Client, alice: User, plus: Tier) -> None:
    client.post("/checkout/", {"tier": "plus"})

    assert sign_in(client, password="wrong").status_code == 200

    assert CheckoutSession.objects.get().owner.is_guest
    assert User.objects.get(is_guest=True).is_active


def test_the_token_is_cycled_at_sign_in(alice: User, plus: Tier) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.get("/pricing/")
    token = browser.cookies["csrftoken"].value
    browser.post("/checkout/", {"tier": "plus", "csrfmiddlewaretoken": token})

    sign_in(browser, csrfmiddlewaretoken=token)

    assert browser.cookies["csrftoken"].value != token


def test_staff_who_bought_as_a_guest_signs_in_to_the_admin_by_the_same_door(
    client: Client, alice: User, plus: Tier
) -> None:
    User.objects.filter(pk=alice.pk).update(is_staff=True)
    client.post("/checkout/", {"tier": "plus"})

    door = client.get("/admin/", follow=True).redirect_chain[-1][0]
    assert door == "/accounts/login/?next=/admin/"
    assert sign_in(client, next="/admin/")["Location"] == "/admin/"

    assert CheckoutSession.objects.get().owner == alice


# --- the upgrade in place ---


def test_what_is_under_way_is_the_users_after_the_upgrade(
    guest: User, bought: Purchase, starter: Tier, stripe: SandboxProcess
) -> None:
    delayed = open_for(guest, starter)
    stripe.pay(delayed.stripe_session_id or "", method="bank_debit")
    settled(delayed)
    held = spending.hold(user=guest, amount=100, expires_in=timedelta(hours=1), scope="jobs", key="1")
    spending.spend(user=guest, amount=120, scope="jobs", key="2")

    ann = upgrade(guest=guest, email="ann@example.com", password="winter-lake-92")
    assert held.hold is not None
    spending.release(hold=held.hold, scope="jobs", key="3")
    stripe.control(f"sessions/{delayed.stripe_session_id}/settle", succeed=True)
    settled(delayed)

    assert (ann.pk, available(ann), balance_of(ann).spent) == (guest.pk, 150, 120)


# --- the database ---


@pytest.mark.parametrize("table", ["checkout_checkoutsession", "purchases_purchase"])
@pytest.mark.parametrize("to", ["bob", "guest", "alice"])
def test_the_database_lets_things_move_by_claim_alone(
    guest: User, alice: User, bob: User, bought: Purchase, table: str, to: str
) -> None:
    User.objects.filter(pk=guest.pk).update(merged_into=alice, is_active=False)
    target = {"bob": bob, "guest": guest, "alice": alice}[to]

    def move() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"update {table} set owner_id = %s", [target.pk])

    if to == "bob":
        with pytest.raises(IntegrityError, match="owner_moves_by_claim"):
            move()
    else:
        move()


def test_a_purchase_outlives_its_person(guest: User, plus: Tier, stripe: SandboxProcess) -> None:
    purchase = open_for(guest, plus)
    Message.objects.all().delete()

    guest.delete()

    purchase.refresh_from_db()
    assert purchase.owner is None
