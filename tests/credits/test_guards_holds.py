"""Raw SQL of the owner against holds: what is reserved, by whom, and that it ends once."""

import uuid

import psycopg
import pytest

from accounts.models import User
from credits.spending import capture, hold
from tests.credits.attacks import refused
from tests.credits.conftest import Give

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def held(alice: User, bob: User, give: Give) -> uuid.UUID:
    """Alice holds 30 of 50; Bob has 7."""
    give(50)
    give(7, user=bob)
    posting = hold(user=alice, amount=30, scope="tests", key="job:1")
    assert posting.hold is not None
    return posting.hold


def line(**bent: str) -> str:
    columns = {"hold_id": "h.id", "account_id": "h.account_id", "lot_id": "l.lot_id", "amount": "1", **bent}
    return (
        f"insert into credits_hold_line ({', '.join(columns)}) select {', '.join(columns.values())}"
        " from credits_hold h join credits_hold_line l on l.hold_id = h.id"
    )


def resolution(**bent: str) -> str:
    columns = {
        "hold_id": "h.id",
        "account_id": "h.account_id",
        "transaction_id": "h.transaction_id",
        "outcome": "'released'",
        "captured": "0",
        "created_at": "now()",
        **bent,
    }
    return (
        f"insert into credits_hold_resolution ({', '.join(columns)}) select {', '.join(columns.values())}"
        " from credits_hold h"
    )


BOBS = "(select max(id) from credits_account)"


@pytest.mark.parametrize(
    ("statement", "rule"),
    [
        (line(account_id=BOBS), "credits_hold_line_of_account"),
        (line(lot_id="(select max(id) from credits_lot)"), "credits_hold_line_of_account"),
        (line(amount="21"), "credits_hold_line_lot_has_enough"),
        (line(amount="5"), "credits_hold_line_within_hold"),
        (line(amount="0"), "credits_hold_line_amount_positive"),
        (resolution(account_id=BOBS), "credits_hold_resolution_of_account"),
        (resolution(), "credits_hold_resolution_kind_follows_outcome"),
        (resolution(outcome="'captured'", captured="5"), "credits_hold_resolution_kind_follows_outcome"),
        (resolution(outcome="'stolen'"), "credits_hold_resolution_kind_follows_outcome"),
        ("update credits_hold set is_open = false", "credits_hold_closed_by_resolution_only"),
        ("update credits_hold set amount = 5", "credits_hold_closed_by_resolution_only"),
        ("update credits_hold set expires_at = now()", "credits_hold_closed_by_resolution_only"),
        ("delete from credits_hold", "credits_hold_append_only"),
        (
            "insert into credits_hold (account_id, transaction_id, uuid, amount, created_at)"
            " select account_id, id, gen_random_uuid(), 5, now() from credits_transaction where kind = 'grant'",
            "credits_hold_of_transaction",
        ),
        (
            "insert into credits_hold (account_id, transaction_id, uuid, amount, expires_at, created_at)"
            " select account_id, id, gen_random_uuid(), amount, '10000-01-01', now() from credits_transaction"
            " where kind = 'hold'",
            "credits_hold_expiry_in_range",
        ),
        ("update credits_lot set held = 0", "credits_lot_held_by_holds"),
        ("update credits_account set held = 0, version = version + 1", "credits_account_held_by_holds"),
    ],
)  # fmt: skip
def test_a_bent_hold_is_refused(
    held: uuid.UUID, owner: psycopg.Connection, statement: str, rule: str
) -> None:
    refused(owner, statement, rule)


def test_a_second_end_is_refused(held: uuid.UUID, owner: psycopg.Connection) -> None:
    capture(hold=held, scope="tests", key="capture:1")
    captured = "(select id from credits_transaction where kind = 'capture')"

    statement = resolution(transaction_id=captured, outcome="'captured'", captured="5")
    refused(owner, statement, "credits_hold_resolution_pkey")


def test_a_line_for_a_hold_that_has_ended_is_refused(held: uuid.UUID, owner: psycopg.Connection) -> None:
    capture(hold=held, amount=1, scope="tests", key="capture:1")

    refused(owner, line(), "credits_hold_line_hold_is_open")


def test_an_entry_that_captures_without_a_hold_is_refused(held: uuid.UUID, owner: psycopg.Connection) -> None:
    statement = (
        "insert into credits_entry (account_id, transaction_id, kind, lot_id, amount, created_at)"
        " select h.account_id, h.transaction_id, 'capture', l.lot_id, -1, clock_timestamp()"
        " from credits_hold h join credits_hold_line l on l.hold_id = h.id"
    )

    refused(owner, statement, "credits_entry_capture_of_hold")


@pytest.mark.parametrize("amount", [-21, -50])
def test_what_is_held_is_not_spent(held: uuid.UUID, owner: psycopg.Connection, amount: int) -> None:
    statement = (
        "insert into credits_entry (account_id, transaction_id, kind, lot_id, amount, created_at)"
        f" select h.account_id, h.transaction_id, 'spend', l.lot_id, {amount}, clock_timestamp()"
        " from credits_hold h join credits_hold_line l on l.hold_id = h.id"
    )

    refused(owner, statement, "credits_entry_lot_has_enough")
