"""The clean-up: expire past the hours, delete past the days, never what money may still be on."""

import json
import time
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any
from unittest import mock

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.db.models.expressions import RawSQL
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from checkout import batches, sessions
from checkout.locks import Batch
from checkout.models import CheckoutSession, Tier
from checkout.tasks import clean_checkout_sessions
from purchases.models import Purchase
from tests.checkout.conftest import BeginSession
from tests.conftest import superuser_connection
from tests.together import together

ALL_SESSIONS = "select count(*) from checkout_checkoutsession"
AWAITED = "select true from pg_locks where locktype = 'advisory' and not granted"
VERBS = pytest.mark.parametrize("verb", [sessions.expire_due, sessions.delete_old])
Status = CheckoutSession.Status
DAY, SECOND = timedelta(days=1), timedelta(seconds=1)


def owner(number: int) -> User:
    return User.objects.create(email=f"buyer{number}@example.com")


def test_expires_at_the_edge_and_not_before(begin: BeginSession, alice: User, bob: User) -> None:
    due, fresh = begin(owner=alice, ago=DAY), begin(owner=bob, ago=DAY - 10 * SECOND)

    assert sessions.expire_due() == 1

    due.refresh_from_db()
    fresh.refresh_from_db()
    assert (due.status, due.end_reason, fresh.status) == (Status.EXPIRED, "time_passed", Status.ACTIVE)


def test_expiring_leaves_the_dead_alone(begin: BeginSession) -> None:
    session = sessions.cancel(session=begin(ago=DAY))

    assert sessions.expire_due() == 0

    session.refresh_from_db()
    assert session.end_reason == "cancelled"


def test_expires_in_batches_until_none_is_left(begin: BeginSession) -> None:
    for number in range(7):
        begin(owner=owner(number), ago=DAY)

    assert sessions.expire_due(limit=3) == 7
    assert sessions.expire_due(limit=3) == 0


@pytest.mark.parametrize("status", [Status.EXPIRED, Status.INVALIDATED])
def test_deletes_at_the_edge_and_not_before(begin: BeginSession, alice: User, status: str) -> None:
    begin(ago=7 * DAY)
    CheckoutSession.objects.update(status=status)
    young = begin(ago=7 * DAY - 10 * SECOND)
    CheckoutSession.objects.filter(pk=young.pk).update(status=status)

    assert sessions.delete_old() == 1
    assert CheckoutSession.objects.get() == young


def test_never_deletes_a_completed_one(begin: BeginSession) -> None:
    begin(ago=400 * DAY)
    CheckoutSession.objects.update(status=Status.COMPLETED)

    assert sessions.delete_old() == 0


def test_never_deletes_a_live_one(begin: BeginSession) -> None:
    begin(ago=8 * DAY, expires_at=Now() + DAY)

    assert sessions.delete_old() == 0


def test_deletes_one_that_the_beat_never_expired(begin: BeginSession) -> None:
    begin(ago=8 * DAY)

    assert sessions.delete_old() == 1


def test_never_deletes_before_the_money_is_settled(begin: BeginSession, alice: User, bob: User) -> None:
    held, free = begin(owner=alice, ago=8 * DAY), begin(owner=bob, ago=8 * DAY)
    sessions.hold_for_money(held.pk, Now() + DAY)
    sessions.hold_for_money(free.pk, Now())

    assert sessions.delete_old() == 1
    assert CheckoutSession.objects.get() == held


def test_deletes_in_batches_until_none_is_left(begin: BeginSession) -> None:
    for number in range(7):
        begin(owner=owner(number), ago=8 * DAY)

    assert sessions.delete_old(limit=3) == 7
    assert CheckoutSession.objects.count() == 0


def test_retention_is_a_setting(begin: BeginSession, settings: pytest.FixtureRequest) -> None:
    settings.CHECKOUT_RETENTION_DAYS = 30  # type: ignore[attr-defined]
    begin(ago=8 * DAY)

    assert sessions.delete_old() == 0


def test_successor_survives_its_predecessor(begin: BeginSession, alice: User, starter: Tier) -> None:
    begin(ago=8 * DAY, expires_at=Now() + DAY)
    new = sessions.start(owner=alice, tier=starter)

    assert sessions.delete_old() == 1

    new.refresh_from_db()
    assert new.status == Status.ACTIVE


def test_purchase_outlives_its_session(begin: BeginSession, alice: User) -> None:
    session = begin(ago=8 * DAY)
    terms = {
        name: getattr(session, name)
        for name in ("tier_slug", "tier_name", "credits", "price_minor", "currency")
    }
    purchase = Purchase.objects.create(
        checkout_session=session,
        owner=alice,
        opened_by_id=alice.pk,
        **terms,
        bonus_credits=20,
        request={},
        stripe_expires_at=session.expires_at,
    )

    assert sessions.delete_old() == 1

    purchase.refresh_from_db()
    assert (purchase.checkout_session, purchase.owner) == (None, alice)


@pytest.mark.django_db(transaction=True)
def test_locked_rows_are_passed_by(begin: BeginSession, alice: User, bob: User) -> None:
    locked, free = begin(owner=alice, ago=8 * DAY), begin(owner=bob, ago=8 * DAY)
    with another_connection() as other, other.transaction():
        other.execute("select from checkout_checkoutsession where id = %s for no key update", [locked.pk])

        assert (sessions.expire_due(limit=1), sessions.delete_old(limit=1)) == (1, 1)

    assert CheckoutSession.objects.get() == locked
    assert not CheckoutSession.objects.filter(pk=free.pk).exists()


@pytest.mark.django_db(transaction=True)
def test_payment_at_the_edge_wins_over_expiry_and_deletion(begin: BeginSession) -> None:
    session = begin(ago=8 * DAY)
    with transaction.atomic():
        sessions.complete(session.pk)
        with another_connection() as other:
            skipped = (
                "select count(*) from (select from checkout_checkoutsession for update skip locked) as free"
            )
            assert other.execute(skipped).fetchone() == (0,)

    assert (sessions.expire_due(), sessions.delete_old()) == (0, 0)
    session.refresh_from_db()
    assert session.status == Status.COMPLETED


def test_dry_run_counts_and_changes_nothing(begin: BeginSession, alice: User, bob: User) -> None:
    begin(owner=alice, ago=8 * DAY)
    begin(owner=bob, ago=2 * DAY)

    assert clean("--dry-run", "--json") == {"expired": 2, "deleted": 1}
    assert CheckoutSession.objects.filter(status=Status.ACTIVE).count() == 2


def test_command_expires_and_deletes(begin: BeginSession, alice: User, bob: User) -> None:
    begin(owner=alice, ago=8 * DAY)
    begin(owner=bob, ago=2 * DAY)

    assert clean("--json") == {"expired": 2, "deleted": 1}
    assert clean("--json") == {"expired": 0, "deleted": 0}


def test_command_says_it_in_words(begin: BeginSession) -> None:
    begin(ago=2 * DAY)
    out = StringIO()

    call_command("clean_checkout_sessions", stdout=out)

    assert out.getvalue() == "1 expired, 0 deleted\n"


def test_beat_task_cleans(begin: BeginSession) -> None:
    begin(ago=8 * DAY)

    clean_checkout_sessions()

    assert CheckoutSession.objects.count() == 0


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("step", [batches.expire, batches.delete])
def test_row_that_moves_while_it_is_looked_for_is_found_where_it_then_is(
    begin: BeginSession, step: Callable[..., Batch | None]
) -> None:
    session = begin(ago=8 * DAY)
    waits = RawSQL("(select count(*) from (select pg_advisory_xact_lock(1)) as lock)", ())
    with another_connection() as other:
        other.execute("select pg_advisory_lock(1)")

        def move() -> None:
            until = time.monotonic() + 10
            while not other.execute(AWAITED).fetchone() and time.monotonic() < until:
                time.sleep(0.01)
            other.execute(
                "update checkout_checkoutsession set money_until = now() where id = %s", [session.pk]
            )
            other.execute("select pg_advisory_unlock(1)")

        wanted = CheckoutSession.objects.alias(waits=waits).filter(waits=1)
        batch, _ = together(lambda: step(wanted, limit=1), move)

    assert isinstance(batch, Batch), batch
    assert batch.size == 1
    assert not CheckoutSession.objects.filter(status=Status.ACTIVE).exists()


def held_between_batches(verb: Callable[..., int]) -> list[int]:
    """How many sessions nobody else could have moved, each time when a batch was over."""
    held = []

    def look(_size: int, _seconds: float, *, limit: int) -> int:
        with another_connection() as other:
            free = (
                "select count(*) from (select from checkout_checkoutsession for update skip locked) as free"
            )
            seen = [other.execute(query).fetchone() for query in (ALL_SESSIONS, free)]
        held.append(sum(seen[0] or ()) - sum(seen[1] or ()))
        return limit

    with mock.patch.object(batches, "_next_size", look):
        assert verb(limit=2) == 4
    return held


@VERBS
@pytest.mark.django_db(transaction=True)
def test_nothing_is_held_once_a_batch_is_over(begin: BeginSession, verb: Callable[..., int]) -> None:
    for number in range(4):
        begin(owner=owner(number), ago=8 * DAY)

    assert held_between_batches(verb) == [0, 0]


@VERBS
@pytest.mark.django_db(transaction=True)
def test_without_a_transaction_a_batch_all_of_them_are_held(
    begin: BeginSession, verb: Callable[..., int]
) -> None:
    """The twin: one transaction around them."""
    for number in range(4):
        begin(owner=owner(number), ago=8 * DAY)

    with transaction.atomic():
        assert held_between_batches(verb) == [2, 4]


@pytest.mark.django_db(transaction=True)
def test_commits_of_the_clean_up_alone_wait_for_no_flush(begin: BeginSession) -> None:
    begin(ago=8 * DAY)
    shown = "select current_setting('synchronous_commit')"

    with connection.cursor() as cursor, transaction.atomic():
        sessions.expire_due()
        cursor.execute(shown)
        during = cursor.fetchone()
    with connection.cursor() as cursor:
        cursor.execute(shown)
        after = cursor.fetchone()

    assert (during, after) == (("off",), ("on",))


@VERBS
def test_the_last_batch_is_looked_for_as_the_second_was(
    begin: BeginSession, verb: Callable[..., int]
) -> None:
    for number in range(5):
        begin(owner=owner(number), ago=8 * DAY)

    with CaptureQueriesContext(connection) as queries:
        verb(limit=1)

    lengths = [len(query["sql"]) for query in queries if "SKIP LOCKED" in query["sql"]]
    assert len(lengths) == 6
    assert len(set(lengths[1:])) == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("verb", "index"),
    [(sessions.expire_due, "checkout_session_due"), (sessions.delete_old, "checkout_session_old")],
)
def test_looking_up_what_is_due_does_not_grow_with_what_is_not(
    begin: BeginSession, verb: Callable[[], int], index: str
) -> None:
    fill_with_other_sessions(begin(ago=8 * DAY))

    with connection.execute_wrapper(explained := Explained()):
        assert verb() == 1

    assert len(explained.plans) == 2
    assert all(f" {index} " in plan for plan in explained.plans)
    assert not any("Rows Removed" in plan for plan in explained.plans)


class Explained:
    """Keeps the plan of every locking SELECT that runs."""

    def __init__(self) -> None:
        self.plans: list[str] = []

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if "SKIP LOCKED" in sql:
            with connection.connection.cursor() as cursor:
                cursor.execute(f"explain (analyze) {sql}", params)
                self.plans.append("\n".join(str(row[0]) for row in cursor.fetchall()))
        return execute(sql, params, many, context)


def fill_with_other_sessions(like: CheckoutSession) -> None:
    """Twenty thousand completed ones, a year old: what a shop looks like after a while."""
    columns = "tier_id, tier_slug, tier_name, credits, bonus_credits, price_minor, currency, owner_id"
    with superuser_connection() as superuser:
        superuser.execute("set session_replication_role = replica")
        superuser.execute(
            f"insert into checkout_checkoutsession (id, {columns}, created_at, expires_at, status, completed_at)"
            f" select gen_random_uuid(), {columns}, created_at - interval '1 year', expires_at - interval '1 year',"
            f" 'completed', created_at - interval '1 year'"
            f" from checkout_checkoutsession, generate_series(1, 20000) where id = %s",
            [like.pk],
        )
        superuser.execute("vacuum analyze checkout_checkoutsession")


def clean(*options: str) -> dict[str, int]:
    out = StringIO()
    call_command("clean_checkout_sessions", *options, stdout=out)
    counts: dict[str, int] = json.loads(out.getvalue())
    return counts


def another_connection() -> psycopg.Connection:
    settings = connection.get_connection_params()
    names = ("dbname", "user", "password", "host", "port")
    return psycopg.connect(**{name: settings[name] for name in names if settings.get(name)}, autocommit=True)


@pytest.mark.parametrize(
    ("size", "seconds", "expected"),
    [
        (1000, 0.05, 1000),
        (1000, 0.1, 500),
        (400, 0.2, 250),
        (250, 9, 250),
        (400, 0.04, 500),
        (300, 0.01, 600),
        (900, 0.01, 1000),
    ],
)
def test_batches_shrink_where_they_take_long_and_grow_again(size: int, seconds: float, expected: int) -> None:
    assert batches._next_size(size, seconds, limit=1000) == expected


def test_batches_are_never_larger_than_the_limit() -> None:
    assert batches._next_size(5, 0.2, limit=5) == 5
