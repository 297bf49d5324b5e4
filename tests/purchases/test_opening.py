"""Opening a payment: one payment page however often it is asked, and nothing lost when Stripe does not answer."""

from datetime import timedelta

import pytest
from django.db.models.functions import Now
from django.utils import translation

from accounts.models import User
from checkout import sessions
from checkout.errors import SessionNotActive
from checkout.models import CheckoutSession, Tier
from credits.balances import balance_of
from purchases import asking, opening
from purchases.errors import PaymentNotOpened, StripeUnavailable
from purchases.models import Purchase
from tests.sandbox_process import SandboxProcess

CREATE = "POST /v1/checkout/sessions"


def created_at_stripe(stripe: SandboxProcess) -> int:
    calls = [call for call in stripe.requests(method="POST") if call["path"] == "/v1/checkout/sessions"]
    return len({call["idempotency_key"] for call in calls})


def test_it_leads_to_stripes_page(opened: Purchase, stripe: SandboxProcess) -> None:
    assert opened.status == "open"
    assert opened.stripe_url.startswith(stripe.url)
    assert (opened.stripe_session_id or "").startswith("cs_test_")
    assert opened.livemode is False


def test_asking_again_gives_the_same_page(alice: User, session: CheckoutSession, opened: Purchase) -> None:
    again = opening.open_payment(owner=alice, session=session)

    assert (again.purchase.pk, again.url) == (opened.pk, opened.stripe_url)
    assert Purchase.objects.count() == 1


def test_the_uuid_is_stripes_idempotency_key(opened: Purchase, stripe: SandboxProcess) -> None:
    (request,) = [r for r in stripe.requests(method="POST") if r["path"] == "/v1/checkout/sessions"]

    assert request["idempotency_key"] == str(opened.uuid)


def test_stripe_is_told_our_price_and_where_to_come_back(opened: Purchase) -> None:
    item = opened.request["line_items"][0]

    assert (item["price_data"]["unit_amount"], item["price_data"]["currency"], item["quantity"]) == (
        1800,
        "usd",
        1,
    )
    assert opened.request["success_url"] == (
        f"http://testserver/purchases/return/{opened.uuid}/?session_id={{CHECKOUT_SESSION_ID}}"
    )


def test_stripes_page_names_what_is_bought_in_the_buyers_language(
    alice: User, plus: Tier, stripe: SandboxProcess
) -> None:
    Tier.objects.update(credits=1_234_567, bonus_credits=0)
    with translation.override("de"):
        session = sessions.start(owner=alice, tier=Tier.objects.get())
        purchase = opening.open_payment(owner=alice, session=session).purchase

    product = purchase.request["line_items"][0]["price_data"]["product_data"]
    assert product["name"] == "Plus: 1.234.567 Credits"


def test_stripes_session_ends_before_ours(opened: Purchase, session: CheckoutSession) -> None:
    session.refresh_from_db()

    assert opened.stripe_expires_at < session.expires_at
    assert session.money_until is not None
    assert session.money_until > opened.stripe_expires_at


def test_a_lost_answer_is_resumed_to_the_same_session(
    alice: User, session: CheckoutSession, stripe: SandboxProcess
) -> None:
    stripe.control("faults", endpoint=CREATE, kind="reset", when="after", count=2)
    with pytest.raises(StripeUnavailable):
        opening.open_payment(owner=alice, session=session)
    assert Purchase.objects.get().status == "opening"

    opened = opening.open_payment(owner=alice, session=session)
    assert opened.next is opening.Next.TO_STRIPE
    assert Purchase.objects.count() == 1
    assert created_at_stripe(stripe) == 1


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "status", "status": 429},
        {"kind": "status", "status": 401},
        {"kind": "html"},
        {"kind": "half"},
        {"kind": "reset"},
    ],
    ids=["429", "key-revoked", "html", "half", "reset"],
)
def test_no_definite_answer_keeps_the_purchase(
    alice: User, session: CheckoutSession, stripe: SandboxProcess, fault: dict[str, object]
) -> None:
    stripe.control("faults", endpoint=CREATE, count=2, **fault)
    with pytest.raises(StripeUnavailable):
        opening.open_payment(owner=alice, session=session)

    assert Purchase.objects.get().status == "opening"


@pytest.mark.parametrize("status", [400, 402, 500])
def test_a_definite_error_closes_it_and_the_next_try_is_new(
    alice: User, session: CheckoutSession, stripe: SandboxProcess, status: int
) -> None:
    stripe.control("faults", endpoint=CREATE, kind="status", status=status)
    with pytest.raises(PaymentNotOpened):
        opening.open_payment(owner=alice, session=session)
    assert Purchase.objects.get().status == "failed"

    assert opening.open_payment(owner=alice, session=session).next is opening.Next.TO_STRIPE
    assert sorted(Purchase.objects.values_list("status", flat=True)) == ["failed", "open"]


def test_what_was_open_for_something_else_is_expired_at_stripe(
    alice: User, opened: Purchase, starter: Tier
) -> None:
    other = sessions.start(owner=alice, tier=starter)
    newer = opening.open_payment(owner=alice, session=other).purchase

    opened.refresh_from_db()
    assert (opened.status, newer.status) == ("expired", "open")


def test_what_was_paid_meanwhile_is_shown_instead(alice: User, paid: Purchase, starter: Tier) -> None:
    other = sessions.start(owner=alice, tier=starter)
    shown = opening.open_payment(owner=alice, session=other)

    assert (shown.next, shown.purchase.pk) == (opening.Next.PAID, paid.pk)
    assert balance_of(alice).available == 220


def test_what_was_paid_is_shown_each_time(
    alice: User, session: CheckoutSession, paid: Purchase, stripe: SandboxProcess
) -> None:
    shown = [opening.open_payment(owner=alice, session=session) for _ in range(3)]

    assert [(each.next, each.purchase.pk) for each in shown] == [(opening.Next.PAID, paid.pk)] * 3


def test_a_payment_under_way_is_shown_and_can_be_bought_beside(
    alice: User, opened: Purchase, starter: Tier, stripe: SandboxProcess
) -> None:
    stripe.pay(opened.stripe_session_id or "", method="bank_debit")
    other = sessions.start(owner=alice, tier=starter)

    assert opening.open_payment(owner=alice, session=other).next is opening.Next.UNDER_WAY
    beside = opening.open_payment(owner=alice, session=other, is_again=True)
    assert beside.next is opening.Next.TO_STRIPE


def test_the_known_page_is_shown_while_stripe_cannot_be_asked(
    alice: User, session: CheckoutSession, opened: Purchase, stripe: SandboxProcess
) -> None:
    stripe.control("faults", endpoint="GET /v1/checkout/sessions/*", kind="status", status=503, count=1)

    assert opening.open_payment(owner=alice, session=session).url == opened.stripe_url


def test_a_page_that_stripe_has_forgotten_is_replaced(
    alice: User, session: CheckoutSession, opened: Purchase, stripe: SandboxProcess
) -> None:
    stripe.control(f"objects/{opened.stripe_session_id}/delete")

    again = opening.open_payment(owner=alice, session=session)
    opened.refresh_from_db()
    assert (opened.status, opened.reason) == ("expired", "unknown_at_stripe")
    assert again.purchase.pk != opened.pk


def test_a_session_with_little_time_left_is_renewed_first(
    alice: User, session: CheckoutSession, stripe: SandboxProcess
) -> None:
    CheckoutSession.objects.filter(pk=session.pk).update(expires_at=Now() + timedelta(minutes=10))

    purchase = opening.open_payment(owner=alice, session=session).purchase
    assert purchase.checkout_session is not None
    assert purchase.checkout_session.renewed_from_id == session.pk


def test_an_open_page_is_kept_however_little_time_is_left(
    alice: User, session: CheckoutSession, opened: Purchase
) -> None:
    CheckoutSession.objects.filter(pk=session.pk).update(expires_at=Now() + timedelta(minutes=10))

    assert opening.open_payment(owner=alice, session=session).url == opened.stripe_url
    assert (Purchase.objects.count(), CheckoutSession.objects.count()) == (1, 1)


def test_an_open_page_of_a_cancelled_order_is_not_led_to(
    alice: User, session: CheckoutSession, opened: Purchase
) -> None:
    sessions.cancel(session=session)

    with pytest.raises(SessionNotActive):
        opening.open_payment(owner=alice, session=session)


def test_a_dead_session_cannot_be_paid(alice: User, session: CheckoutSession, stripe: SandboxProcess) -> None:
    sessions.cancel(session=session)

    with pytest.raises(SessionNotActive):
        opening.open_payment(owner=alice, session=session)
    assert Purchase.objects.count() == 0


def test_nobody_resumes_a_purchase_whose_key_or_time_is_used_up(
    alice: User, session: CheckoutSession, stripe: SandboxProcess
) -> None:
    stripe.control("faults", endpoint=CREATE, kind="reset", when="before", count=2)
    with pytest.raises(StripeUnavailable):
        opening.open_payment(owner=alice, session=session)
    purchase = Purchase.objects.get()
    begun, ends = purchase.created_at, purchase.stripe_expires_at

    assert asking.can_resume(purchase, now=begun + timedelta(hours=22, minutes=59))
    assert not asking.can_resume(purchase, now=begun + timedelta(hours=23))
    assert not asking.can_resume(purchase, now=ends - timedelta(minutes=31))
