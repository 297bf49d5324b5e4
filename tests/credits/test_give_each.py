"""give_each(): a campaign gives everybody the same, each once."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from credits import gifts
from credits.balances import balance_of
from credits.errors import AmountOutOfRange, KeyReused, LotRefused
from credits.gifts import Handout, give, give_each
from credits.models import Account, Entry, LedgerTransaction, Lot
from credits.proof import prove
from credits.transfers import transfer
from outbox.models import Message
from tests.credits.conftest import Give


def campaign(*users: User, amount: int = 10, key: str = "spring", **more: Any) -> Handout:
    return give_each(users=users, amount=amount, kind="promo", scope="campaigns", key=key, **more)


@pytest.fixture
def crowd(db: None) -> list[User]:
    return User.objects.bulk_create(User(email=f"person{i}@example.com") for i in range(7))


def test_each_has_what_give_would_have_given(alice: User, bob: User) -> None:
    terms: dict[str, Any] = {"description": "Spring", "actor": "staff:1", "metadata": {"campaign": 7}}
    expires_at = datetime(2999, 1, 1, tzinfo=UTC)
    give(user=alice, amount=10, kind="promo", scope="campaigns", key="spring", expires_at=expires_at, **terms)

    assert campaign(bob, expires_at=expires_at, **terms) == Handout(given=1, given_before=0, passed_over=0)

    of_transaction = ("kind", "scope", "key", "fingerprint", "amount", "actor", "reason", "metadata")
    alone, together = LedgerTransaction.objects.order_by("id").values_list(*of_transaction)
    assert alone == together
    of_lot = (
        "kind",
        "granted",
        "remaining",
        "priority",
        "expires_at",
        "purchase_ref",
        "price_minor",
        "currency",
    )
    alone, together = Lot.objects.order_by("id").values_list(*of_lot)
    assert alone == together
    assert balance_of(bob).available == 10
    assert not prove().problems


def test_who_had_it_is_not_given_it_twice(crowd: list[User]) -> None:
    campaign(*crowd[:3])

    assert gifts.given_before(crowd, scope="campaigns", key="spring") == 3
    assert campaign(*crowd, crowd[0]) == Handout(given=4, given_before=3, passed_over=0)
    assert {balance_of(person).available for person in crowd} == {10}


def test_give_and_give_each_ask_the_same_under_one_key(alice: User) -> None:
    give(user=alice, amount=10, kind="promo", scope="campaigns", key="spring")

    assert campaign(alice).given_before == 1


def test_chunk_after_chunk(crowd: list[User], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gifts, "AT_A_TIME", 3)

    with CaptureQueriesContext(connection) as ran:
        assert campaign(*crowd).given == 7

    assert len([query for query in ran if "credits_grant_each" in query["sql"]]) == 3
    assert Entry.objects.count() == 7


@pytest.mark.django_db(transaction=True)
def test_what_was_broken_off_is_finished_by_calling_again(monkeypatch: pytest.MonkeyPatch) -> None:
    crowd = User.objects.bulk_create(User(email=f"person{i}@example.com") for i in range(5))
    monkeypatch.setattr(gifts, "AT_A_TIME", 2)
    give(
        user=crowd[3], amount=99, kind="promo", scope="campaigns", key="spring"
    )  # in the second chunk: refused

    with pytest.raises(KeyReused):
        campaign(*crowd)
    assert [balance_of(person).available for person in crowd] == [10, 10, 0, 99, 0]

    rest = [person for person in crowd if person != crowd[3]]
    assert campaign(*rest) == Handout(given=2, given_before=2, passed_over=0)


def test_a_merged_account_is_passed_over(alice: User, bob: User, give: Give) -> None:
    give(5)
    transfer(source=alice, target=bob, scope="tests", key="merge")

    assert campaign(alice, bob) == Handout(given=1, given_before=0, passed_over=1)
    assert balance_of(bob).available == 15


def test_nobody_is_given_anything(db: None) -> None:
    assert campaign() == Handout(given=0, given_before=0, passed_over=0)


def test_refusals_leave_nothing(alice: User, bob: User) -> None:
    with pytest.raises(AmountOutOfRange):
        campaign(alice, bob, amount=0)
    with pytest.raises(LotRefused):
        campaign(alice, bob, expires_at=datetime(2020, 1, 1, tzinfo=UTC))

    assert not Account.objects.exists()


def test_the_callers_transaction_takes_it_along(alice: User, bob: User) -> None:
    with transaction.atomic():
        campaign(alice, bob)
        transaction.set_rollback(True)

    assert not Entry.objects.exists()


def test_webhooks_are_told_of_each(alice: User, bob: User, settings: Any) -> None:
    settings.CREDITS_TELL_GRANTED = True

    campaign(alice, bob)
    campaign(alice, bob)

    assert set(Message.objects.filter(topic="credits.granted").values_list("user", flat=True)) == {
        alice.pk,
        bob.pk,
    }


@pytest.mark.django_db(transaction=True)
def test_accounts_are_locked_in_the_order_of_their_numbers() -> None:
    late, early = User.objects.bulk_create(User(email=f"{name}@example.com") for name in ("late", "early"))
    for person in (early, late):  # so that users and accounts are numbered differently
        give(user=person, amount=1, kind="promo", scope="tests", key="first")

    campaign(late, early)

    rows = Entry.objects.filter(transaction__scope="campaigns").order_by("id")
    assert list(rows.values_list("account__user", flat=True)) == [early.pk, late.pk]
