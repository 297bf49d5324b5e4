"""transfer(): a guest becomes a user, and everything goes along, once."""

import uuid
from datetime import timedelta
from typing import Any

import pytest

from accounts.models import User
from credits.balances import balance_of, history_of, posting_for
from credits.book import Posting
from credits.deposits import NewLot, claw_back, grant
from credits.errors import AccountMerged, KeyReused
from credits.models import Account, Entry, Lot
from credits.proof import prove
from credits.spending import capture, hold, release, reverse, spend
from credits.transfers import transfer
from tests.credits.clock import Clock
from tests.credits.conftest import Give


@pytest.fixture(autouse=True)
def _proved(db: None) -> object:
    yield
    assert prove().problems == []


@pytest.fixture
def guest(db: None) -> User:
    return User.objects.create(email=None, is_guest=True)


def claim(guest: User, user: User, key: str = "claim:1") -> Posting | None:
    return transfer(source=guest, target=user, scope="accounts", key=key)


def buy(user: User, source: str = "cs_1") -> Posting:
    lot = NewLot(kind="paid", amount=200, price_minor=1800, currency="USD", expires_after=timedelta(days=9))
    return grant(
        user=user,
        lots=[lot],
        kind="purchase",
        scope="purchases",
        key=source,
        source=source,
        purchase_ref="ref",
    )


def test_everything_moves_with_its_terms(alice: User, guest: User, give: Give) -> None:
    give(5)
    buy(guest)
    spend(user=guest, amount=50, scope="tests", key="job:1")

    posting = claim(guest, alice)

    assert posting is not None
    assert (posting.added, posting.balance_before, posting.balance, posting.lifetime) == (150, 5, 155, 5)
    assert (balance_of(guest).current, balance_of(alice).current) == (0, 155)
    old, new = Lot.objects.get(account__user=guest), Lot.objects.get(account__user=alice, kind="paid")
    assert (new.granted, new.remaining, new.purchase_ref, new.origin_id) == (150, 150, "ref", old.pk)
    assert (new.price_minor, new.currency, new.expires_at) == (1350, "USD", old.expires_at)
    assert [line.amount for line in history_of(guest, limit=1)] == [-150]


def test_the_old_account_answers_where_it_went(alice: User, guest: User, give: Give) -> None:
    give(5, user=guest)
    claim(guest, alice)

    with pytest.raises(AccountMerged) as refusal:
        spend(user=guest, amount=1, scope="tests", key="job:1")
    with pytest.raises(AccountMerged):
        hold(user=guest, amount=1, scope="tests", key="job:1")
    with pytest.raises(AccountMerged):
        give(5, user=guest)

    assert refusal.value.to == balance_of(alice).account


def test_a_purchase_that_comes_later_follows(alice: User, guest: User, give: Give) -> None:
    give(5, user=guest)
    claim(guest, alice)

    posting = buy(guest)

    assert posting.account == balance_of(alice).account
    assert (balance_of(guest).current, balance_of(alice).current) == (0, 205)
    assert posting_for("cs_1") is not None


def test_same_key_moves_once(alice: User, guest: User, give: Give) -> None:
    give(5, user=guest)

    first, second = claim(guest, alice), claim(guest, alice)

    assert first is not None
    assert second is not None
    assert (second.id, second.replayed) == (first.id, True)
    assert balance_of(alice).current == 5


def test_another_key_finds_nothing_more(alice: User, guest: User, give: Give) -> None:
    give(5, user=guest)
    claim(guest, alice)

    again = claim(guest, alice, "claim:2")

    assert again is not None
    assert (again.added, balance_of(alice).current) == (0, 5)


def test_a_guest_without_an_account_has_nothing_to_move(alice: User, guest: User) -> None:
    assert claim(guest, alice) is None
    assert not Account.objects.exists()


def test_nobody_claims_from_themselves(alice: User, give: Give) -> None:
    give(5)

    assert claim(alice, alice) is None
    assert balance_of(alice).current == 5


def test_a_merged_account_is_not_claimed_by_another(alice: User, bob: User, guest: User, give: Give) -> None:
    give(5, user=guest)
    give(1, user=bob)
    claim(guest, alice)

    with pytest.raises(AccountMerged):
        claim(guest, bob, "claim:2")
    with pytest.raises(AccountMerged):
        claim(bob, guest, "claim:3")

    assert (balance_of(alice).current, balance_of(bob).current) == (5, 1)


def held_by(user: User, amount: int) -> uuid.UUID:
    held = hold(user=user, amount=amount, scope="tests", key="job:1").hold
    assert held is not None
    return held


def test_an_open_hold_stays_and_its_rest_follows(alice: User, guest: User) -> None:
    buy(guest)
    held = held_by(guest, 30)
    claim(guest, alice)
    assert (balance_of(guest).current, balance_of(alice).current) == (30, 170)

    capture(hold=held, amount=10, scope="tests", key="capture:1")

    assert (balance_of(guest).current, balance_of(alice).current) == (0, 190)


def test_a_released_hold_follows(alice: User, guest: User) -> None:
    buy(guest)
    held = held_by(guest, 30)
    claim(guest, alice)

    release(hold=held, scope="tests", key="release:1")

    assert (balance_of(guest).current, balance_of(alice).current) == (0, 200)


def test_a_reversed_spend_follows(alice: User, guest: User) -> None:
    buy(guest)
    spent = spend(user=guest, amount=30, scope="tests", key="job:1")
    claim(guest, alice)

    reverse(spend=spent.id, scope="tests", key="undo:1")

    assert (balance_of(guest).current, balance_of(alice).current) == (0, 200)


def test_what_has_expired_is_booked_and_stays(alice: User, guest: User, clock: Clock, give: Give) -> None:
    give(5, user=guest, expires_after=timedelta(minutes=5))
    give(7, user=guest)
    clock.pass_(hours=1)

    claim(guest, alice)

    assert balance_of(alice).current == 7
    assert [line.kind for line in history_of(guest, limit=2)] == ["transfer", "expiry"]


def pack(
    user: User,
    source: str,
    *,
    paid: int,
    bonus: int = 0,
    priority: int | None = None,
    expires_after: timedelta | None = None,
) -> None:
    terms: dict[str, Any] = {"currency": "USD", "priority": priority, "expires_after": expires_after}
    lots = [NewLot(kind="paid", amount=paid, price_minor=1800, **terms)]
    lots += [NewLot(kind="bonus", amount=bonus, price_minor=0, **terms)] if bonus else []
    grant(
        user=user,
        lots=lots,
        kind="purchase",
        scope="purchases",
        key=source,
        source=source,
        purchase_ref=source,
    )


def owe(user: User, amount: int, source: str = "cs_refunded") -> None:
    """Buy so much, spend it, and be refunded."""
    pack(user, source, paid=amount)
    spend(user=user, amount=amount, scope="tests", key=f"spend of {source}")
    claw_back(
        source=source, returned_minor=1800, paid_minor=1800, scope="purchases", key=f"refund of {source}"
    )


def stands(user: User) -> tuple[int, int, int]:
    balance = balance_of(user)
    return balance.current, balance.available, balance.debt


def left_of(user: User) -> list[tuple[str, int]]:
    return list(Lot.objects.filter(account__user=user).order_by("pk").values_list("kind", "remaining"))


def test_own_paid_credits_repay_the_debt_that_arrives(alice: User, guest: User) -> None:
    pack(alice, "cs_1", paid=460)
    owe(guest, 200)

    posting = claim(guest, alice)

    assert posting is not None
    assert (posting.added, posting.balance_before, posting.balance) == (0, 460, 260)
    assert (posting.lifetime, balance_of(alice).spent) == (460, 0)
    assert (stands(alice), stands(guest)) == ((260, 260, 0), (0, 0, 0))
    lines = [(line.kind, line.amount, line.debt_change) for line in Entry.objects.filter(account__user=alice)]
    assert lines == [("purchase", 460, 0), ("transfer", 0, 200), ("repayment", -200, -200)]


def test_paid_credits_that_arrive_repay_debt_and_gifts_do_not(alice: User, guest: User) -> None:
    owe(alice, 220)
    pack(guest, "cs_1", paid=400, bonus=60)
    before = balance_of(alice)

    posting = claim(guest, alice)

    assert posting is not None
    assert (posting.added, posting.balance) == (460, 240)
    assert stands(alice) == (240, 240, 0)
    assert left_of(alice) == [("paid", 0), ("paid", 180), ("bonus", 60)]
    assert (balance_of(alice).lifetime, balance_of(alice).spent) == (before.lifetime, before.spent)


def test_gifts_and_adjustments_do_not_repay(alice: User, guest: User, give: Give) -> None:
    give(50, kind="promo")
    owe(guest, 200)
    give(30, user=guest, kind="adjustment")

    claim(guest, alice)

    assert stands(alice) == (0, 0, 200)
    assert left_of(alice) == [("promo", 50), ("adjustment", 30)]


@pytest.mark.parametrize("is_debt_moving", [True, False])
def test_lots_repay_by_priority_then_expiry_then_age(alice: User, guest: User, is_debt_moving: bool) -> None:
    debtor, buyer = (guest, alice) if is_debt_moving else (alice, guest)
    owe(debtor, 450)
    pack(buyer, "later", paid=100, expires_after=timedelta(days=9))
    pack(buyer, "never", paid=100)
    pack(buyer, "never, newer", paid=100)
    pack(buyer, "sooner", paid=100, expires_after=timedelta(days=8))
    pack(buyer, "first", paid=100, priority=50)

    claim(guest, alice)

    repaid = Entry.objects.filter(account__user=alice, kind="repayment").order_by("account_seq")
    assert list(repaid.values_list("lot__purchase_ref", "amount")) == [
        ("first", -100), ("sooner", -100), ("later", -100), ("never", -100), ("never, newer", -50)
    ]  # fmt: skip


def test_a_repeat_repays_once(alice: User, guest: User) -> None:
    pack(alice, "cs_1", paid=460)
    owe(guest, 200)

    first, again, another = claim(guest, alice), claim(guest, alice), claim(guest, alice, "claim:2")

    assert first is not None
    assert again is not None
    assert another is not None
    assert (again.id, again.replayed, again.balance) == (first.id, True, 260)
    assert (another.added, another.balance) == (0, 260)
    assert stands(alice) == (260, 260, 0)


def test_held_credits_stay_held_and_repay_once_released(alice: User, guest: User) -> None:
    pack(alice, "cs_1", paid=460)
    held = held_by(alice, 300)
    owe(guest, 200)

    claim(guest, alice)
    assert (stands(alice), balance_of(alice).held) == ((300, 0, 40), 300)

    release(hold=held, scope="tests", key="release:1")
    assert stands(alice) == (260, 260, 0)


def test_what_a_hold_of_the_guest_lets_go_of_repays(alice: User, guest: User) -> None:
    pack(guest, "cs_1", paid=460)
    held = held_by(guest, 300)
    owe(alice, 200)

    claim(guest, alice)
    assert (stands(guest), stands(alice)) == ((300, 0, 0), (0, 0, 40))

    release(hold=held, scope="tests", key="release:1")
    assert (stands(guest), stands(alice)) == ((0, 0, 0), (260, 260, 0))


@pytest.mark.parametrize("was_held", [True, False])
def test_gifts_that_come_back_to_the_guest_repay_too(
    alice: User, guest: User, give: Give, was_held: bool
) -> None:
    give(50, user=guest)
    if was_held:
        held = held_by(guest, 50)
    else:
        spent = spend(user=guest, amount=50, scope="tests", key="job:1")
    owe(alice, 30)
    claim(guest, alice)

    if was_held:
        release(hold=held, scope="tests", key="release:1")
    else:
        reverse(spend=spent.id, scope="tests", key="undo:1")

    assert stands(alice) == (20, 20, 0)


def test_expired_credits_do_not_repay(alice: User, guest: User, clock: Clock) -> None:
    owe(guest, 200)
    pack(alice, "cs_1", paid=460, expires_after=timedelta(minutes=5))
    pack(alice, "cs_2", paid=150)
    clock.pass_(hours=1)

    claim(guest, alice)

    assert stands(alice) == (0, 0, 50)
    assert left_of(alice) == [("paid", 460), ("paid", 0)]


def test_a_key_that_either_account_has_used_is_refused(
    alice: User, bob: User, guest: User, give: Give
) -> None:
    give(5, user=guest)
    claim(guest, alice)

    with pytest.raises(KeyReused):
        claim(alice, bob)

    assert (balance_of(alice).current, balance_of(bob).current) == (5, 0)
    again = claim(guest, alice)
    assert again is not None
    assert again.replayed
