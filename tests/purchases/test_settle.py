"""settle(): what Stripe says becomes what our books say, once."""

from unittest import mock

import pytest
from django.contrib.auth import get_user_model
from django.db import connection

from accounts.models import User
from checkout import sessions
from checkout.models import CheckoutSession, Tier
from credits import deposits
from credits.balances import balance_of
from credits.models import Entry
from outbox.models import Message
from purchases import opening, refunds
from purchases.errors import StripeUnavailable, UnknownAtStripe
from purchases.fulfilment import Outcome, settle
from purchases.models import Purchase
from tests.conftest import superuser_connection
from tests.sandbox_process import SandboxProcess

VIA = Purchase.Via.WEBHOOK


def settled(purchase: Purchase) -> Purchase:
    settle(purchase.stripe_session_id or "", via=VIA)
    return Purchase.objects.get(pk=purchase.pk)


def test_a_paid_session_becomes_credits(alice: User, paid: Purchase) -> None:
    purchase = settled(paid)

    assert (purchase.status, purchase.credited_via) == ("credited", "webhook")
    assert balance_of(alice).available == 220
    assert list(Entry.objects.order_by("account_seq").values_list("amount", flat=True)) == [200, 20]


def test_what_was_paid_is_recorded(paid: Purchase) -> None:
    purchase = settled(paid)

    assert (purchase.amount_subtotal, purchase.amount_total, purchase.livemode) == (1800, 1800, False)
    assert (purchase.payment_intent or "").startswith("pi_")
    assert purchase.receipt_url.startswith("http")
    assert purchase.credited_at is not None
    assert purchase.next_check_at is None


def test_settling_again_changes_nothing(alice: User, paid: Purchase) -> None:
    for _ in range(5):
        settle(paid.stripe_session_id or "", via=VIA)

    assert balance_of(alice).available == 220
    assert Message.objects.filter(topic="purchase.credited").count() == 1


class Killed(BaseException):
    """Ends a process where it is raised, as far as a database can tell."""


def test_a_death_between_grant_and_mark_books_nothing(alice: User, paid: Purchase) -> None:
    with mock.patch.object(refunds, "take_back", side_effect=Killed), pytest.raises(Killed):
        settled(paid)
    assert balance_of(alice).available == 0
    assert Purchase.objects.get().status == "open"

    assert settled(paid).status == "credited"
    assert balance_of(alice).available == 220


def test_the_checkout_session_is_completed(paid: Purchase, session: CheckoutSession) -> None:
    settled(paid)

    session.refresh_from_db()
    assert session.status == "completed"
    assert session.completed_at is not None


def test_an_open_session_stays_open(alice: User, opened: Purchase) -> None:
    assert settle(opened.stripe_session_id or "", via=VIA).outcome is Outcome.OPEN
    assert balance_of(alice).available == 0


def test_an_expired_session_expires(opened: Purchase, stripe: SandboxProcess) -> None:
    stripe.control(f"sessions/{opened.stripe_session_id}/expire")

    purchase = settled(opened)
    assert (purchase.status, purchase.next_check_at) == ("expired", None)


def test_a_delayed_debit_is_processing_then_credited(
    alice: User, opened: Purchase, stripe: SandboxProcess
) -> None:
    stripe.pay(opened.stripe_session_id or "", method="bank_debit")
    assert settled(opened).status == "processing"
    assert balance_of(alice).available == 0

    stripe.control(f"sessions/{opened.stripe_session_id}/settle", succeed=True)
    assert settled(opened).status == "credited"
    assert balance_of(alice).available == 220


def test_a_delayed_debit_that_fails_is_failed_and_told(
    alice: User, opened: Purchase, stripe: SandboxProcess
) -> None:
    stripe.pay(opened.stripe_session_id or "", method="bank_debit")
    settled(opened)
    stripe.control(f"sessions/{opened.stripe_session_id}/settle", succeed=False)

    assert settled(opened).status == "failed"
    assert balance_of(alice).available == 0
    assert list(Message.objects.order_by("pk").values_list("topic", flat=True)) == [
        "purchase.processing",
        "purchase.failed",
    ]


@pytest.mark.parametrize(
    ("tampering", "words"),
    [
        ({"amount_subtotal": 100}, "amount: 1800 here, 100 at Stripe"),
        ({"amount_total": 1}, "total: 1800 here, 1 at Stripe"),
        ({"amount_total": 100_000}, "total: 1800 here, 100000 at Stripe"),
        ({"currency": "eur"}, "currency: USD here, EUR at Stripe"),
        ({"line_items.0.quantity": 2}, "quantity: 1 here, 2 at Stripe"),
        ({"livemode": True}, "livemode: False here, True at Stripe"),
        ({"metadata.owner": "999999"}, "owner:"),
    ],
)
def test_what_differs_from_the_offer_goes_to_review(
    alice: User, paid: Purchase, stripe: SandboxProcess, tampering: dict[str, object], words: str
) -> None:
    stripe.control(f"sessions/{paid.stripe_session_id}/tamper", **tampering)

    purchase = settled(paid)
    assert purchase.status == "review"
    assert words in purchase.reason
    assert balance_of(alice).available == 0


def test_a_full_discount_gives_full_credits(alice: User, paid: Purchase, stripe: SandboxProcess) -> None:
    stripe.control(
        f"sessions/{paid.stripe_session_id}/tamper",
        payment_status="no_payment_required",
        payment_intent=None,
        amount_total=0,
    )

    assert settled(paid).amount_total == 0
    assert balance_of(alice).available == 220


def test_a_zero_decimal_currency_is_compared_as_stripe_counts(alice: User, stripe: SandboxProcess) -> None:
    tier = Tier.objects.create(slug="yen", name="Yen", credits=10, price_minor=500, currency="JPY")
    opened = opening.open_payment(owner=alice, session=sessions.start(owner=alice, tier=tier)).purchase
    stripe.pay(opened.stripe_session_id or "")

    assert settled(opened).amount_total == 500
    assert balance_of(alice).available == 10


def test_the_snapshot_is_honoured_when_the_tier_changed(alice: User, paid: Purchase, plus: Tier) -> None:
    Tier.objects.filter(pk=plus.pk).update(price_minor=9900, credits=1, active=False)

    settled(paid)
    assert balance_of(alice).available == 220


def test_a_deactivated_owner_is_still_credited(alice: User, paid: Purchase) -> None:
    get_user_model().objects.filter(pk=alice.pk).update(is_active=False)

    assert settled(paid).status == "credited"


def test_a_deleted_owner_goes_to_review(alice: User, paid: Purchase) -> None:
    alice.delete()

    purchase = settled(paid)
    assert (purchase.status, purchase.reason) == ("review", "owner_gone")


@pytest.mark.parametrize("end", ["cancel", "expire", "delete"])
def test_a_payment_after_the_session_died_is_credited_and_marked_late(
    alice: User, paid: Purchase, session: CheckoutSession, end: str
) -> None:
    if end == "cancel":
        sessions.cancel(session=session)
    elif end == "expire":
        with connection.cursor() as cursor:
            cursor.execute("update checkout_checkoutsession set expires_at = now() - interval '1 minute'")
        sessions.expire_due()
    else:
        sessions.cancel(session=session)
        CheckoutSession.objects.filter(pk=session.pk).delete()

    purchase = settled(paid)
    assert (purchase.status, purchase.is_late) == ("credited", True)
    assert balance_of(alice).available == 220


def test_a_payment_in_time_is_not_late(paid: Purchase) -> None:
    assert settled(paid).is_late is False


def test_paid_beats_an_expired_purchase(alice: User, opened: Purchase, stripe: SandboxProcess) -> None:
    Purchase.objects.filter(pk=opened.pk).update(status="expired")
    stripe.pay(opened.stripe_session_id or "")

    assert settled(opened).status == "credited"
    assert balance_of(alice).available == 220


def test_it_is_found_by_metadata_when_its_id_was_not_stored(
    alice: User, session: CheckoutSession, stripe: SandboxProcess
) -> None:
    stripe.control("faults", endpoint="POST /v1/checkout/sessions", kind="reset", when="after", count=2)
    with pytest.raises(StripeUnavailable):
        opening.open_payment(owner=alice, session=session)
    assert Purchase.objects.get().stripe_session_id is None
    stripe_id = _only_session(stripe)
    stripe.pay(stripe_id)

    assert settle(stripe_id, via=VIA).outcome is Outcome.CREDITED
    assert Purchase.objects.get().stripe_session_id == stripe_id


def test_a_purchase_whose_row_is_gone_is_rebuilt_and_credited(alice: User, paid: Purchase) -> None:
    Purchase.objects.all().delete()

    assert settle(paid.stripe_session_id or "", via=VIA).outcome is Outcome.CREDITED
    rebuilt = Purchase.objects.get()
    assert (rebuilt.uuid, rebuilt.credits, rebuilt.bonus_credits) == (paid.uuid, 200, 20)
    assert balance_of(alice).available == 220


def test_a_gone_purchase_with_a_forged_snapshot_is_not_credited(
    alice: User, paid: Purchase, stripe: SandboxProcess
) -> None:
    Purchase.objects.all().delete()
    stripe.control(f"sessions/{paid.stripe_session_id}/tamper", **{"metadata.credits": "1000000"})

    assert settle(paid.stripe_session_id or "", via=VIA).outcome is Outcome.NOT_OURS
    assert balance_of(alice).available == 0


def test_staff_is_told_once_of_a_paid_session_that_nobody_can_place(
    paid: Purchase, admin: User, stripe: SandboxProcess
) -> None:
    Purchase.objects.all().delete()
    stripe.control(f"sessions/{paid.stripe_session_id}/tamper", **{"metadata.credits": "1000000"})

    for _ in range(2):
        settle(paid.stripe_session_id or "", via=VIA)
    (told,) = Message.objects.filter(topic="staff.unsigned")
    assert (told.user_id, told.context) == (admin.pk, {"stripe_session": paid.stripe_session_id})


def test_nobody_is_told_of_an_unpaid_session_that_nobody_can_place(
    opened: Purchase, admin: User, stripe: SandboxProcess
) -> None:
    Purchase.objects.all().delete()
    stripe.control(f"sessions/{opened.stripe_session_id}/tamper", **{"metadata.credits": "1000000"})

    assert settle(opened.stripe_session_id or "", via=VIA).outcome is Outcome.NOT_OURS
    assert not Message.objects.exists()


def _known_by_another_session(purchase: Purchase) -> str:
    """Let ours be paid by another session, so that the one at Stripe is a second; return the second."""
    with superuser_connection() as superuser:
        superuser.execute("set session_replication_role = replica")
        superuser.execute("update purchases_purchase set stripe_session_id = 'cs_test_first'")
    return purchase.stripe_session_id or ""


@pytest.mark.django_db(transaction=True)
def test_a_validity_from_before_the_limit_is_a_hundred_years(alice: User, paid: Purchase) -> None:
    with superuser_connection() as superuser:
        superuser.execute("set session_replication_role = replica")
        superuser.execute("update purchases_purchase set expires_after_days = 2147483647")

    assert settled(paid).status == "credited"
    assert balance_of(alice).available == 220


@pytest.mark.django_db(transaction=True)
def test_a_second_paid_session_of_a_purchase_goes_to_review(alice: User, admin: User, paid: Purchase) -> None:
    second_id = _known_by_another_session(paid)

    outcomes = {settle(second_id, via=VIA).outcome for _ in range(2)}

    first, second = Purchase.objects.order_by("pk")
    assert (outcomes, balance_of(alice).available) == ({Outcome.REVIEW}, 0)
    assert (first.status, first.stripe_session_id) == ("open", "cs_test_first")
    assert (second.status, second.owner_id, second.stripe_session_id) == ("review", alice.pk, second_id)
    assert second.reason == f"purchase: {second.uuid} here, {first.uuid} at Stripe"
    assert Message.objects.filter(topic="staff.review").count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_second_session_that_is_not_paid_or_not_signed_makes_no_row(
    alice: User, opened: Purchase, stripe: SandboxProcess
) -> None:
    second_id = _known_by_another_session(opened)
    assert settle(second_id, via=VIA).outcome is Outcome.NOT_OURS

    stripe.pay(second_id, **{"metadata.credits": "1000000"})
    assert settle(second_id, via=VIA).outcome is Outcome.NOT_OURS
    assert Purchase.objects.count() == 1


def test_a_gone_purchase_of_a_reused_user_id_goes_to_review(alice: User, paid: Purchase) -> None:
    Purchase.objects.all().delete()
    User.objects.filter(pk=alice.pk).update(date_joined="2020-01-01T00:00:00Z")

    assert settle(paid.stripe_session_id or "", via=VIA).outcome is Outcome.REVIEW
    assert balance_of(alice).available == 0


@pytest.mark.django_db(transaction=True)
def test_a_gone_purchase_that_the_ledger_has_is_marked_and_not_credited_again(
    alice: User, paid: Purchase
) -> None:
    settled(paid)
    with superuser_connection() as superuser:
        superuser.execute("set session_replication_role = replica")
        superuser.execute("delete from purchases_purchase")

    assert settle(paid.stripe_session_id or "", via=VIA).outcome is Outcome.CREDITED
    assert balance_of(alice).available == 220


@pytest.mark.django_db(transaction=True)
def test_a_payment_that_the_ledger_has_for_somebody_else_goes_to_review(
    alice: User, bob: User, paid: Purchase
) -> None:
    lot = deposits.NewLot(kind="paid", amount=200)
    source = paid.stripe_session_id or ""
    deposits.grant(user=bob, lots=[lot], kind="purchase", scope="purchases", key="other", source=source)

    purchase = settled(paid)
    assert (purchase.status, purchase.reason) == ("review", f"ledger: {source} was credited before")
    assert balance_of(alice).available == 0


def test_a_session_of_another_program_is_not_ours(stripe: SandboxProcess, db: None) -> None:
    from purchases import stripe_gateway

    price = {"currency": "usd", "unit_amount": 100, "product_data": {"name": "Other"}}
    other = stripe_gateway.create_session(
        {
            "mode": "payment",
            "success_url": "https://other.example/",
            "line_items": [{"price_data": price, "quantity": 1}],
        },
        key="other",
    )

    assert settle(other.id, via=VIA).outcome is Outcome.NOT_OURS


def test_an_unknown_session_is_said_so(stripe: SandboxProcess, db: None) -> None:
    with pytest.raises(UnknownAtStripe):
        settle("cs_test_nobody_knows", via=VIA)


@pytest.mark.parametrize("status", ["open", "expired"])
def test_what_is_paid_ends_the_order_whatever_else_stripe_says(
    paid: Purchase, session: CheckoutSession, stripe: SandboxProcess, status: str
) -> None:
    stripe.control(f"sessions/{paid.stripe_session_id}/tamper", status=status)

    assert settled(paid).status == "credited"
    session.refresh_from_db()
    assert session.status == "completed"


def _only_session(stripe: SandboxProcess) -> str:
    from purchases import stripe_gateway

    client = stripe_gateway.client.client()
    (only,) = client.v1.checkout.sessions.list().data
    return only.id
