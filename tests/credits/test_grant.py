"""grant(): credits come in, once."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from django.db import transaction

from accounts.models import User
from credits.balances import balance_of, posting_for
from credits.book import Posting
from credits.deposits import NewLot, grant
from credits.errors import AmountOutOfRange, KeyReused, LotRefused, SourceUsed
from credits.models import Account, Entry, LedgerTransaction, Lot
from credits.proof import prove
from tests.credits.conftest import Give

PLUS = [
    NewLot(kind="paid", amount=200, price_minor=1800, currency="USD"),
    NewLot(kind="bonus", amount=20, price_minor=0, currency="USD"),
]


def buy(user: User, source: str = "cs_1", key: str = "", actor: str = "") -> Posting:
    return grant(
        user=user,
        lots=PLUS,
        kind="purchase",
        scope="purchases",
        key=key or f"purchase:{source}",
        source=source,
        purchase_ref="ref",
        actor=actor,
        reason="Plus",
    )


def test_first_grant_opens_the_account(alice: User, give: Give) -> None:
    posting = give(50)

    assert (posting.added, posting.balance_before, posting.balance, posting.available) == (50, 0, 50, 50)
    assert (posting.lifetime, posting.spent, posting.version, posting.replayed) == (50, 0, 1, False)
    assert Account.objects.get(user=alice).uuid == posting.account


def test_a_purchase_is_one_transaction_with_two_entries(alice: User) -> None:
    buy(alice)

    assert LedgerTransaction.objects.count() == 1
    entries = Entry.objects.order_by("account_seq").values_list("kind", "amount", "balance_after")
    assert list(entries) == [("purchase", 200, 200), ("bonus", 20, 220)]
    assert balance_of(alice).lifetime == 220


def test_the_terms_of_each_lot_are_kept(alice: User) -> None:
    buy(alice)

    terms = Lot.objects.order_by("id").values_list(
        "kind", "granted", "remaining", "price_minor", "currency", "purchase_ref", "priority", "expires_at"
    )
    assert list(terms) == [
        ("paid", 200, 200, 1800, "USD", "ref", 100, None),
        ("bonus", 20, 20, 0, "USD", "ref", 100, None),
    ]


def test_same_key_moves_credits_once(alice: User, give: Give) -> None:
    first = give(50, key="welcome")
    second = give(50, key="welcome")

    assert (second.id, second.balance, second.replayed) == (first.id, 50, True)
    assert balance_of(alice).current == 50


def test_another_actor_is_still_the_same_request(alice: User) -> None:
    buy(alice, actor="purchases:webhook")
    buy(alice, actor="purchases:return")

    assert balance_of(alice).current == 220


def test_same_key_with_other_terms_is_refused(alice: User, give: Give) -> None:
    give(50, key="welcome")

    with pytest.raises(KeyReused) as refusal:
        give(51, key="welcome")

    assert (refusal.value.scope, refusal.value.key) == ("tests", "welcome")
    assert balance_of(alice).current == 50


def test_two_people_may_use_the_same_key(alice: User, bob: User, give: Give) -> None:
    give(50, key="welcome")
    give(50, key="welcome", user=bob)

    assert (balance_of(alice).current, balance_of(bob).current) == (50, 50)


def test_one_payment_is_credited_once_whatever_the_key(alice: User, bob: User) -> None:
    buy(alice)

    with pytest.raises(SourceUsed):
        buy(alice, key="another")
    with pytest.raises(SourceUsed) as refusal:
        buy(bob)

    assert refusal.value.source == "cs_1"
    assert (balance_of(alice).current, balance_of(bob).current) == (220, 0)


def test_a_refusal_leaves_the_callers_transaction_usable(alice: User, give: Give) -> None:
    give(50, key="welcome")

    with transaction.atomic():
        with pytest.raises(KeyReused):
            give(51, key="welcome")
        give(5, key="more")

    assert balance_of(alice).current == 55


@pytest.mark.parametrize("amount", [0, -1, 10**12 + 1, 2**63, True, 5.0, "5", None])
def test_an_amount_is_a_whole_number_in_range(alice: User, give: Give, amount: int) -> None:
    with pytest.raises(AmountOutOfRange):
        give(amount)

    assert not Account.objects.exists()


def test_the_largest_amount_fits(give: Give) -> None:
    assert give(10**12).balance == 10**12


def test_no_lots_is_no_grant(alice: User) -> None:
    with pytest.raises(AmountOutOfRange):
        grant(user=alice, lots=[], scope="tests", key="nothing")

    assert not Account.objects.exists()


def test_expiry_is_counted_from_the_grant(give: Give) -> None:
    give(50, expires_after=timedelta(days=30))

    lot = Lot.objects.get()
    assert lot.expires_at == lot.created_at + timedelta(days=30)


@pytest.mark.parametrize("year", [2099, 2345, 9998])
def test_expiry_may_be_an_instant(give: Give, year: int) -> None:
    instant = datetime(year, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)

    give(50, expires_at=instant)

    assert Lot.objects.get().expires_at == instant
    assert prove().problems == []


@pytest.mark.parametrize(
    "words",
    [{"expires_at": datetime(2001, 1, 1, tzinfo=UTC)}, {"expires_after": timedelta()}],
)
def test_what_has_expired_already_is_refused(alice: User, give: Give, words: dict[str, Any]) -> None:
    with pytest.raises(LotRefused):
        give(50, **words)

    assert balance_of(alice).account is None


@pytest.mark.parametrize(
    "words",
    [
        {"expires_at": datetime(9999, 12, 31, 23, 59, tzinfo=timezone(timedelta(hours=-12)))},
        {"expires_at": datetime(9999, 1, 2, tzinfo=UTC)},
        {"expires_after": timedelta(days=2_950_000)},
        {"expires_after": timedelta.max},
    ],
)
def test_an_expiry_that_no_reader_could_read_is_refused(
    alice: User, give: Give, words: dict[str, Any]
) -> None:
    with pytest.raises(LotRefused):
        give(50, **words)

    assert balance_of(alice).account is None


def test_the_receipt_finds_the_posting_of_a_payment(alice: User) -> None:
    buy(alice, "cs_7")

    posting = posting_for("cs_7")

    assert posting is not None
    assert (posting.added, posting.balance, posting.replayed) == (220, 220, True)
    assert posting_for("cs_8") is None
