"""Claims against everything else that moves. Each race has a twin that shows what the guard prevents."""

from collections.abc import Callable
from threading import Barrier, Event
from typing import Any
from unittest import mock

import pytest
from django.db import transaction

from accounts import claims, locks
from accounts.claims import claim
from accounts.errors import GuestEnded
from accounts.models import User
from checkout import sessions
from checkout.errors import OwnerEnded, SessionNotActive
from checkout.models import CheckoutSession, Tier
from credits import deposits
from credits.balances import balance_of
from credits.proof import prove
from purchases import fulfilment, opening
from purchases.fulfilment import settle
from purchases.locks import lock_owner_to_credit
from purchases.models import Purchase
from tests.accounts.test_claims import bought, guest, open_for
from tests.conftest import superuser_connection
from tests.sandbox_process import SandboxProcess
from tests.together import somebody_waits, together

pytestmark = pytest.mark.django_db(transaction=True)
__all__ = ["bought", "guest"]


@pytest.fixture
def paid(guest: User, plus: Tier, stripe: SandboxProcess) -> Purchase:
    """The guest has paid; nobody here knows yet."""
    purchase = open_for(guest, plus)
    stripe.pay(purchase.stripe_session_id or "")
    return purchase


def claim_while_granting(guest: User, alice: User, paid: Purchase) -> list[Any]:
    """Settle and claim at once, the claim beginning when settling is about to grant."""
    granting, claimed, real = Event(), Event(), deposits.grant

    def slow_grant(**words: Any) -> Any:
        granting.set()
        while not (claimed.wait(timeout=0.01) or somebody_waits()):
            pass
        return real(**words)

    def claim_then() -> None:
        granting.wait(timeout=60)
        try:
            claim(guest=guest, user=alice)
        finally:
            claimed.set()

    with mock.patch.object(deposits, "grant", slow_grant):
        return together(
            lambda: settle(paid.stripe_session_id or "", via=Purchase.Via.WEBHOOK).outcome, claim_then
        )


def test_a_claim_waits_for_settling(guest: User, alice: User, paid: Purchase) -> None:
    answers = claim_while_granting(guest, alice, paid)

    assert answers == ["credited", None]
    assert (balance_of(guest).available, balance_of(alice).available) == (0, 220)
    assert Purchase.objects.get().owner == alice


def test_without_its_locks_settling_would_credit_the_ended_guest(
    guest: User, alice: User, paid: Purchase
) -> None:
    """The twin: settling that locks neither person, session nor purchase grants to whom it read before."""
    unlocked = mock.patch.object(fulfilment, "lock_purchase", lambda pk: Purchase.objects.get(pk=pk))
    unowned = mock.patch.object(fulfilment, "lock_owner_to_credit", return_value=guest.pk)
    uncompleted = mock.patch.object(fulfilment.sessions, "complete")  # type: ignore[attr-defined]
    with unlocked, unowned, uncompleted:
        claim_while_granting(guest, alice, paid)

    assert (balance_of(guest).available, balance_of(alice).available) == (220, 0)


def locked_while_claimed(guest: User, alice: User, paid: Purchase) -> int | None:
    """Whom settling locks that began to wait for the guest before the claim was over."""
    has_claimed = Event()

    def claim_slowly() -> None:
        with transaction.atomic():
            claim(guest=guest, user=alice)
            has_claimed.set()
            while not somebody_waits():
                pass

    def lock() -> int | None:
        has_claimed.wait(timeout=60)
        with transaction.atomic():
            return lock_owner_to_credit(paid.pk)

    _, locked = together(claim_slowly, lock)
    assert not isinstance(locked, Exception)
    return locked


def test_settling_that_waited_for_a_claim_locks_the_new_owner(
    guest: User, alice: User, paid: Purchase
) -> None:
    assert locked_while_claimed(guest, alice, paid) == alice.pk


def test_without_its_second_look_it_would_lock_the_ended_guest(
    guest: User, alice: User, paid: Purchase
) -> None:
    """The twin: whoever it locked first is believed."""
    with superuser_connection() as superuser:
        (body,) = superuser.execute(  # type: ignore[misc]
            "select pg_get_functiondef('purchases_lock_owner_to_credit'::regproc)"
        ).fetchone()
        superuser.execute(body.replace("if locked is not distinct from named", "if true"))
        try:
            assert locked_while_claimed(guest, alice, paid) == guest.pk
        finally:
            superuser.execute(body)


def test_claims_settling_and_starts_at_once(guest: User, alice: User, paid: Purchase, starter: Tier) -> None:
    calls: list[Callable[[], Any]] = [
        lambda: claim(guest=guest, user=alice),
        lambda: settle(paid.stripe_session_id or "", via=Purchase.Via.SWEEP).outcome,
        lambda: sessions.start(owner=guest, tier=starter),
        lambda: sessions.start(owner=alice, tier=starter),
    ]

    answers = together(*calls * 5)

    surprises = [one for one in answers if isinstance(one, Exception) and not isinstance(one, OwnerEnded)]
    assert surprises == []
    assert (balance_of(guest).current, balance_of(alice).available) == (0, 220)
    assert CheckoutSession.objects.filter(status="active").count() == 1
    assert not CheckoutSession.objects.filter(owner=guest).exists()
    assert prove().problems == []


def pay_while_claimed(guest: User, alice: User, plus: Tier) -> Any:
    """The guest presses Pay in one tab and signs in as Alice in another, which is over a moment sooner."""
    session = sessions.start(owner=guest, tier=plus)
    real = opening._commit

    def commit_late(**words: Any) -> Purchase:
        claim(guest=guest, user=alice)
        return real(**words)

    with mock.patch.object(opening, "_commit", commit_late):
        (answer,) = together(lambda: opening.open_payment(owner=guest, session=session))
    return answer


def test_pay_and_claim_at_once_leave_no_payment_page_of_nobodys(
    guest: User, alice: User, plus: Tier, stripe: SandboxProcess
) -> None:
    assert isinstance(pay_while_claimed(guest, alice, plus), SessionNotActive)
    assert Purchase.objects.count() == 0


def test_without_the_look_at_the_owner_an_ended_guest_would_own_it(
    guest: User, alice: User, plus: Tier, stripe: SandboxProcess
) -> None:
    """The twin: Pay believes that the session is still the guest's."""
    held = opening.sessions  # type: ignore[attr-defined]
    real = held.lock_for_payment

    def still_the_guests(session_id: Any, **words: Any) -> CheckoutSession:
        session: CheckoutSession = real(session_id, **words)
        session.owner_id = guest.pk
        return session

    with mock.patch.object(held, "lock_for_payment", still_the_guests):
        pay_while_claimed(guest, alice, plus)

    assert Purchase.objects.get().owner == guest


def test_pay_and_claim_in_any_order(guest: User, alice: User, plus: Tier, stripe: SandboxProcess) -> None:
    session = sessions.start(owner=guest, tier=plus)
    pay: Callable[[], Any] = lambda: opening.open_payment(owner=guest, session=session)  # noqa: E731

    answers = together(pay, lambda: claim(guest=guest, user=alice), pay)

    allowed = (opening.Opened, SessionNotActive, type(None))
    assert [answer for answer in answers if not isinstance(answer, allowed)] == []
    assert set(Purchase.objects.values_list("owner", flat=True)) <= {alice.pk}


def test_two_users_claim_at_once_and_one_gets_it(
    guest: User, alice: User, bob: User, bought: Purchase
) -> None:
    answers = together(*[lambda: claim(guest=guest, user=alice), lambda: claim(guest=guest, user=bob)] * 5)

    guest.refresh_from_db()
    winner, loser = (alice, bob) if guest.merged_into == alice else (bob, alice)
    assert (balance_of(winner).available, balance_of(loser).available) == (220, 0)
    assert sum(isinstance(answer, GuestEnded) for answer in answers) == 5
    assert answers.count(None) == 5


def test_without_the_locks_on_people_a_claim_would_meet_the_database(
    guest: User, alice: User, bob: User, bought: Purchase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The twin: both read a guest who has not ended, and only the trigger keeps the second from taking over."""
    both_have_read, real_end = Barrier(2, timeout=60), claims._end
    monkeypatch.setattr(locks, "lock_people", lambda *ids: User.objects.in_bulk(ids))

    def end_late(*people: Any, **words: Any) -> None:
        both_have_read.wait()
        real_end(*people, **words)

    monkeypatch.setattr(claims, "_end", end_late)
    answers = together(lambda: claim(guest=guest, user=alice), lambda: claim(guest=guest, user=bob))

    assert not any(isinstance(answer, GuestEnded) for answer in answers)
    assert any("accounts_user_ended_for_ever" in str(answer) for answer in answers)
