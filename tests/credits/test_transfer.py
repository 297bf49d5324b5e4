"""transfer(): a guest becomes a user, and everything goes along, once."""

import time
import uuid
from datetime import timedelta

import pytest

from accounts.models import User
from credits.balances import balance_of, history_of, posting_for
from credits.book import Posting
from credits.deposits import NewLot, grant
from credits.errors import AccountMerged
from credits.models import Account, Lot
from credits.proof import prove
from credits.spending import capture, hold, release, reverse, spend
from credits.transfers import transfer
from tests.credits.conftest import Give, Take
from tests.credits.racing import race


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


def test_what_has_expired_is_booked_and_stays(alice: User, guest: User, give: Give) -> None:
    give(5, user=guest, expires_after=timedelta(milliseconds=200))
    give(7, user=guest)
    time.sleep(0.25)

    claim(guest, alice)

    assert balance_of(alice).current == 7
    assert [line.kind for line in history_of(guest, limit=2)] == ["transfer", "expiry"]


@pytest.mark.django_db(transaction=True)
def test_both_ways_at_once_one_wins_and_nobody_waits_for_ever(
    alice: User, bob: User, give: Give, take: Take
) -> None:
    give(5)
    give(7, user=bob)

    def act(number: int) -> object:
        return claim(alice, bob, "a") if number % 2 else claim(bob, alice, "b")

    outcomes = race(act, count=10)

    kinds = {type(outcome) for outcome in outcomes}
    assert kinds == {Posting, AccountMerged}
    assert balance_of(alice).current + balance_of(bob).current == 12
