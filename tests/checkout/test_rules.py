"""What the database refuses, whoever asks: raw SQL as the runtime role, past every verb."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import ProtectedError

from accounts.models import User
from checkout import sessions
from checkout.models import CheckoutSession, Tier
from tests.checkout.conftest import BeginSession

Status = CheckoutSession.Status
STATES = ("active", "completed", "expired", "invalidated")
LEGAL = {
    ("active", "completed"),
    ("active", "expired"),
    ("active", "invalidated"),
    ("expired", "completed"),
    ("invalidated", "completed"),
}
MOVES = [(before, after) for before in STATES for after in STATES if before != after]


def run(statement: str, *params: Any) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, params)


def assert_refused(rule: str, statement: str, *params: Any) -> None:
    """The rule of that name refuses the statement."""
    with pytest.raises(IntegrityError) as refused:
        run(statement, *params)
    assert refused.value.__cause__.diag.constraint_name == rule  # type: ignore[union-attr]


def in_state(begin: BeginSession, status: str) -> CheckoutSession:
    session = begin()
    if status != "active":
        run("update checkout_checkoutsession set status = %s", status)
    session.refresh_from_db()
    return session


def test_tests_run_as_the_runtime_role(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "select tableowner = current_user from pg_tables where tablename = 'checkout_checkoutsession'"
        )
        assert cursor.fetchone() == (False,)


@pytest.mark.parametrize(("before", "after"), [move for move in MOVES if move in LEGAL])
def test_legal_move(begin: BeginSession, before: str, after: str) -> None:
    session = in_state(begin, before)

    run("update checkout_checkoutsession set status = %s", after)

    session.refresh_from_db()
    assert session.status == after
    assert (session.completed_at is not None) == (after == "completed")


@pytest.mark.parametrize(("before", "after"), [move for move in MOVES if move not in LEGAL])
def test_illegal_move(begin: BeginSession, before: str, after: str) -> None:
    session = in_state(begin, before)

    assert_refused(
        "checkout_checkoutsession_status_moves", "update checkout_checkoutsession set status = %s", after
    )

    session.refresh_from_db()
    assert session.status == before


def test_unknown_state(begin: BeginSession) -> None:
    begin()
    statement = "update checkout_checkoutsession set status = 'paid'"
    assert_refused("checkout_checkoutsession_status_moves", statement)


@pytest.mark.parametrize("status", ["completed", "expired", "invalidated", "paid"])
def test_session_begins_as_active(begin: BeginSession, status: str) -> None:
    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        begin(status=status)

    assert refused.value.__cause__.diag.constraint_name == (  # type: ignore[union-attr]
        "checkout_checkoutsession_begins_active"
    )
    assert CheckoutSession.objects.count() == 0


@pytest.mark.parametrize(
    "change",
    [
        "id = gen_random_uuid()",
        "tier_id = tier_id + 1",
        "tier_slug = 'pro'",
        "tier_name = 'Pro'",
        "credits = credits + 1",
        "bonus_credits = bonus_credits + 1",
        "price_minor = price_minor - 1",
        "currency = 'EUR'",
        "expires_after_days = 30",
        "created_at = created_at - interval '1 second'",
        "renewed_from_id = id",
        "recovered_from_id = id",
    ],
)
@pytest.mark.parametrize("status", STATES)
def test_terms_are_frozen(begin: BeginSession, change: str, status: str) -> None:
    in_state(begin, status)

    assert_refused("checkout_checkoutsession_terms_frozen", f"update checkout_checkoutsession set {change}")


@pytest.mark.parametrize("status", STATES)
def test_a_session_stays_with_its_owner(begin: BeginSession, bob: User, status: str) -> None:
    in_state(begin, status)

    statement = f"update checkout_checkoutsession set owner_id = {bob.pk}"
    assert_refused("checkout_checkoutsession_owner_moves_by_claim", statement)


def test_terms_are_frozen_even_while_moving(begin: BeginSession) -> None:
    begin()
    statement = "update checkout_checkoutsession set status = 'completed', price_minor = 1"
    assert_refused("checkout_checkoutsession_terms_frozen", statement)


def test_end_may_come_earlier_but_never_later(begin: BeginSession) -> None:
    session = begin()
    run("update checkout_checkoutsession set expires_at = expires_at - interval '1 hour'")

    statement = "update checkout_checkoutsession set expires_at = expires_at + interval '1 microsecond'"
    assert_refused("checkout_checkoutsession_never_extended", statement)

    before = session.expires_at
    session.refresh_from_db()
    assert before - session.expires_at == timedelta(hours=1)


@pytest.mark.parametrize("status", ["active", "completed", "expired", "invalidated"])
def test_completion_time_cannot_be_written(begin: BeginSession, status: str) -> None:
    in_state(begin, status)
    statement = "update checkout_checkoutsession set completed_at = '2020-01-01'"
    assert_refused("checkout_checkoutsession_completed_at_frozen", statement)


def test_completion_time_is_the_databases(begin: BeginSession) -> None:
    session = begin()

    run("update checkout_checkoutsession set status = 'completed', completed_at = '2020-01-01'")

    session.refresh_from_db()
    assert session.completed_at is not None
    assert session.completed_at >= session.created_at


def test_completion_time_without_completion_cannot_begin(begin: BeginSession) -> None:
    with pytest.raises(IntegrityError, match="completed_at_iff_completed"):
        begin(completed_at="2020-01-01T00:00:00Z")


def test_change_time_is_the_databases(begin: BeginSession) -> None:
    session = begin(updated_at="2020-01-01T00:00:00Z")
    begun = session.updated_at

    run("update checkout_checkoutsession set updated_at = '2020-01-01'")

    session.refresh_from_db()
    assert begun >= session.created_at
    assert session.updated_at > begun


def test_second_active_session_of_one_person(begin: BeginSession) -> None:
    begin()

    with pytest.raises(IntegrityError, match="one_active_per_owner"):
        begin()


def test_dead_sessions_do_not_count(begin: BeginSession) -> None:
    for status in ("completed", "expired", "invalidated"):
        session = begin()
        run("update checkout_checkoutsession set status = %s where id = %s", status, session.pk)

    assert begin().status == Status.ACTIVE


def test_active_session_has_no_reason_for_its_end(begin: BeginSession) -> None:
    begin()
    statement = "update checkout_checkoutsession set end_reason = 'cancelled'"
    assert_refused("checkout_checkoutsession_no_end_reason_while_active", statement)


@pytest.mark.parametrize("link", ["renewed_from", "recovered_from"])
def test_session_comes_from_its_owners_sessions_only(begin: BeginSession, bob: User, link: str) -> None:
    others = begin()

    for origin in (others.pk, uuid.uuid4()):
        with pytest.raises(IntegrityError, match="links_own"), transaction.atomic():
            begin(owner=bob, **{f"{link}_id": origin})


def test_link_outlives_what_it_names(begin: BeginSession) -> None:
    old = sessions.cancel(session=begin())
    new = sessions.recover(session=old)

    run("delete from checkout_checkoutsession where id = %s", old.pk)

    new.refresh_from_db()
    assert new.recovered_from_id == old.pk


@pytest.mark.parametrize(
    ("field", "value", "rule"),
    [
        ("credits", 0, "credits_in_range"),
        ("credits", -1, "credits_in_range"),
        ("credits", 10**12 + 1, "credits_in_range"),
        ("bonus_credits", -1, "bonus_in_range"),
        ("bonus_credits", 10**12 + 1, "bonus_in_range"),
        ("price_minor", 0, "price_positive"),
        ("price_minor", -1, "price_positive"),
        ("currency", "usd", "currency_iso"),
        ("currency", "US", "currency_iso"),
        ("currency", "U$D", "currency_iso"),
        ("currency", "US\n", "currency_iso"),
    ],
)
def test_terms_must_make_sense(begin: BeginSession, plus: Tier, field: str, value: object, rule: str) -> None:
    assert_refused(f"checkout_tier_{rule}", f"update checkout_tier set {field} = %s", value)

    with pytest.raises(IntegrityError, match=f"checkout_checkoutsession_{rule}"):
        begin(**{field: value})


def test_validity_is_a_day_at_least(plus: Tier) -> None:
    assert_refused("checkout_tier_validity_positive", "update checkout_tier set expires_after_days = 0")


def test_validity_is_a_hundred_years_at_most(plus: Tier) -> None:
    assert_refused("checkout_tier_validity_in_range", "update checkout_tier set expires_after_days = 36501")


def test_largest_tier_is_allowed(plus: Tier) -> None:
    run("update checkout_tier set credits = %s, bonus_credits = %s", 10**12, 10**12)

    plus.refresh_from_db()
    assert plus.total_credits == 2 * 10**12


def test_slug_is_unique(starter: Tier, plus: Tier) -> None:
    with pytest.raises(IntegrityError):
        run("update checkout_tier set slug = 'same'")


def test_change_of_a_tier_is_timed_by_the_database(plus: Tier) -> None:
    run("update checkout_tier set updated_at = '2020-01-01'")

    before = plus.updated_at
    plus.refresh_from_db()
    assert plus.updated_at > before


def test_tier_that_was_sold_stays(begin: BeginSession, plus: Tier) -> None:
    begin()

    with pytest.raises(ProtectedError):
        plus.delete()


def test_sessions_go_with_their_owner(begin: BeginSession, alice: User) -> None:
    begin()

    alice.delete()

    assert CheckoutSession.objects.count() == 0
