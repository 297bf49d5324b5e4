"""Two payments that look like one: for one wish, or by one payment intent. Neither is lost."""

from accounts.models import User
from checkout import sessions
from checkout.models import Tier
from credits.balances import balance_of
from purchases import opening
from purchases.fulfilment import settle
from purchases.models import Purchase
from tests.sandbox_process import SandboxProcess


def settled(purchase: Purchase) -> Purchase:
    settle(purchase.stripe_session_id or "", via=Purchase.Via.WEBHOOK)
    return Purchase.objects.get(pk=purchase.pk)


def test_two_payments_for_one_wish_are_both_credited_and_flagged(
    alice: User, opened: Purchase, starter: Tier, stripe: SandboxProcess
) -> None:
    # The old page was paid in the very moment in which Stripe was asked to expire it elsewhere.
    later = sessions.start(owner=alice, tier=starter)
    stripe.pay(opened.stripe_session_id or "")
    Purchase.objects.filter(pk=opened.pk).update(status="expired")
    second = opening.open_payment(owner=alice, session=later).purchase
    stripe.pay(second.stripe_session_id or "")

    assert settled(second).is_duplicate is False
    assert settled(opened).is_duplicate is True
    second.refresh_from_db()
    assert (second.is_duplicate, balance_of(alice).available) == (True, 270)


def test_a_payment_intent_of_two_sessions_loses_no_credits(
    alice: User, opened: Purchase, starter: Tier, stripe: SandboxProcess
) -> None:
    stripe.pay(opened.stripe_session_id or "")
    first = settled(opened)
    session = sessions.start(owner=alice, tier=starter)
    second = opening.open_payment(owner=alice, session=session).purchase
    stripe.pay(second.stripe_session_id or "")
    stripe.control(f"sessions/{second.stripe_session_id}/tamper", payment_intent=first.payment_intent)

    assert (settled(second).status, settled(second).payment_intent) == ("credited", None)
    first.refresh_from_db()
    assert (first.payment_intent or "").startswith("pi_")
    assert balance_of(alice).available == 270
