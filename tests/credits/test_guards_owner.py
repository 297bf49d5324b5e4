"""Raw SQL as the owner of the tables, which constraints and triggers refuse all the same."""

import uuid
from collections.abc import Callable

import psycopg
import pytest
from django.db.models import ProtectedError
from psycopg import sql
from psycopg.errors import CheckViolation

from accounts.models import User
from credits.models import Account
from tests.credits.attacks import TABLES, entry, refused, with_own_trigger
from tests.credits.racing import replaced

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("untouched")]


@pytest.mark.parametrize(
    ("statement", "rule"),
    [
        ("update credits_account set posted = posted + 1000", "credits_account_moved_by_entries"),
        ("update credits_account set posted = posted + 1, seq = seq + 1", "credits_account_moved_by_entries"),
        (
            "update credits_account set seq = seq - 1, version = version + 1",
            "credits_account_moved_by_entries",
        ),
        ("update credits_account set held = 1, version = version + 1", "credits_account_held_by_holds"),
        ("update credits_lot set remaining = remaining - 1", "credits_lot_moved_by_entries"),
        ("update credits_lot set remaining = remaining - 7", "credits_lot_moved_by_entries"),
        ("update credits_lot set remaining = remaining - 7, moved_seq = 3", "credits_lot_moved_by_entries"),
        ("update credits_lot set moved_seq = 9", "credits_lot_moved_by_entries"),
        ("update credits_lot set is_open = false", "credits_lot_moved_by_entries"),
        ("update credits_lot set held = 1", "credits_lot_held_by_holds"),
    ],
)
def test_a_temporary_trigger_does_not_help_the_owner(
    owner: psycopg.Connection, statement: str, rule: str
) -> None:
    with pytest.raises(CheckViolation) as refusal:
        with_own_trigger(owner, statement)

    assert refusal.value.diag.constraint_name == rule


APPEND_ONLY = [table for table in TABLES if table not in ("credits_account", "credits_lot", "credits_hold")]


@pytest.mark.parametrize("table", APPEND_ONLY)
def test_history_is_not_rewritten_by_the_owner(owner: psycopg.Connection, table: str) -> None:
    statements = [
        "update {} set account_id = account_id",
        "update {} set account_id = account_id where false",
        "delete from {}",
        "delete from {} where false",
        "truncate {} cascade",
    ]
    for statement in statements:
        # TRUNCATE cascades to what refers to the table, and any of them may be the first to refuse.
        with pytest.raises(CheckViolation) as refusal:
            owner.execute(sql.SQL(statement).format(sql.Identifier(table)))
        assert (refusal.value.diag.constraint_name or "").endswith("_append_only")


@pytest.mark.parametrize("table", ["credits_account", "credits_lot"])
def test_balances_are_not_truncated_by_the_owner(owner: psycopg.Connection, table: str) -> None:
    with pytest.raises(CheckViolation):
        owner.execute(sql.SQL("truncate {} cascade").format(sql.Identifier(table)))


@pytest.mark.parametrize(
    ("statement", "rule"),
    [
        ("delete from credits_account", "credits_account_kept"),
        ("delete from credits_lot", "credits_lot_kept"),
        ("update credits_account set posted = 1000", "credits_account_moved_by_entries"),
        ("update credits_account set debt = 0, lifetime = 9", "credits_account_moved_by_entries"),
        ("update credits_account set spent = 0 where spent > 0", "credits_account_moved_by_entries"),
        ("update credits_account set head_hash = sha256('x')", "credits_account_moved_by_entries"),
        ("update credits_account set entry_at = now() - interval '9 days'", "credits_account_moved_by_entries"),
        ("update credits_account set held = 1", "credits_account_held_by_holds"),
        ("update credits_account set version = version + 1", "credits_account_held_by_holds"),
        ("update credits_account set uuid = gen_random_uuid()", "credits_account_identity_frozen"),
        ("update credits_account set seq = seq + 1, uuid = gen_random_uuid()", "credits_account_moved_by_entries"),
        ("update credits_account set user_id = user_id + 100", "credits_account_identity_frozen"),
        ("update credits_account set merged_into_id = (select min(id) from credits_account)",
         "credits_account_merged_once_and_empty"),
        ("update credits_lot set remaining = granted", "credits_lot_moved_by_entries"),
        ("update credits_lot set is_open = false", "credits_lot_moved_by_entries"),
        ("update credits_lot set held = 1", "credits_lot_held_by_holds"),
        ("update credits_lot set granted = 1000", "credits_lot_terms_frozen"),
        ("update credits_lot set expires_at = now() + interval '9 days'", "credits_lot_terms_frozen"),
        ("update credits_lot set account_id = account_id + 1", "credits_lot_terms_frozen"),
        ("insert into credits_account (uuid, user_id, posted) select gen_random_uuid(), id + 9, 5 from accounts_user",
         "credits_account_begins_empty"),
        ("insert into credits_lot (uuid, account_id, transaction_id, kind, granted, remaining, created_at)"
         " select gen_random_uuid(), account_id, id, 'promo', 5, 5, now() from credits_transaction",
         "credits_lot_begins_empty"),
        ("insert into credits_lot (uuid, account_id, transaction_id, kind, granted, created_at)"
         " select gen_random_uuid(), a.id, t.id, 'promo', 5, now() from credits_transaction t"
         " join credits_account a on a.id <> t.account_id", "credits_lot_transaction_of_account"),
    ],
)  # fmt: skip
def test_the_owner_moves_nothing_by_hand(owner: psycopg.Connection, statement: str, rule: str) -> None:
    refused(owner, statement, rule)


@pytest.mark.parametrize(
    ("bent", "rule"),
    [
        ({"account_seq": "a.seq + 2"}, "credits_entry_seq_next"),
        ({"account_seq": "a.seq"}, "credits_entry_seq_next"),
        ({"prev_hash": "sha256('forged')"}, "credits_entry_prev_hash_is_head"),
        ({"balance_after": "a.posted"}, "credits_entry_balance_adds_up"),
        ({"debt_after": "5"}, "credits_entry_debt_adds_up"),
        ({"debt_change": "-1", "debt_after": "a.debt - 1"}, "credits_entry_debt_not_negative"),
        ({"created_at": "clock_timestamp() - interval '1 hour'"}, "credits_entry_time_runs_on"),
        ({"created_at": "clock_timestamp() + interval '1 hour'"}, "credits_entry_time_runs_on"),
        ({"account_id": "a.id + 1000"}, "credits_entry_account_exists"),
        ({"transaction_id": "(select max(id) from credits_transaction)"}, "credits_entry_transaction_of_account"),
        ({"transaction_id": "0"}, "credits_entry_transaction_of_account"),
        ({"lot_id": "(select max(id) from credits_lot)"}, "credits_entry_lot_of_account"),
        ({"lot_id": "0"}, "credits_entry_lot_of_account"),
        ({"amount": "-44", "balance_after": "a.posted - 44"}, "credits_entry_lot_has_enough"),
        ({"amount": "8", "balance_after": "a.posted + 8", "kind": "'promo'"}, "credits_entry_within_grant"),
        ({"kind": "'expiry'"}, "credits_entry_expiry_is_due"),
        ({"kind": "'promo'"}, "credits_entry_sign_follows_kind"),
        ({"amount": "5", "balance_after": "a.posted + 5"}, "credits_entry_sign_follows_kind"),
        ({"kind": "'gift'"}, "credits_entry_sign_follows_kind"),
        ({"counter_account_id": "a.id"}, "credits_entry_counter_account_iff_transfer"),
        ({"lot_id": "null"}, "credits_entry_lot_iff_amount"),
        ({"amount": "0", "balance_after": "a.posted", "kind": "'adjustment'"}, "credits_entry_lot_iff_amount"),
    ],
)  # fmt: skip
def test_a_bent_entry_is_refused_to_the_owner(
    owner: psycopg.Connection, bent: dict[str, str], rule: str
) -> None:
    refused(owner, entry(**bent), rule)


@pytest.mark.parametrize(
    ("second", "rule"),
    [("a.seq + 1", "credits_entry_seq_once"), ("a.seq + 2", "credits_entry_seq_next")],
)
def test_two_entries_in_one_statement_are_refused(owner: psycopg.Connection, second: str, rule: str) -> None:
    refused(owner, entry() + " union all " + entry(account_seq=second).split(") ", 1)[1], rule)


def test_an_entry_is_not_replaced_on_conflict(owner: psycopg.Connection) -> None:
    statement = entry() + " on conflict (account_id, account_seq) do update set amount = 5"

    refused(owner, statement, "credits_entry_append_only")


def test_a_hash_that_is_given_is_not_believed(owner: psycopg.Connection) -> None:
    with owner.transaction(force_rollback=True):
        owner.execute(entry(row_hash="sha256('forged')"))
        row = owner.execute(
            "select e.row_hash = credits_entry_hash(e, t.digest), e.row_hash = sha256('forged')"
            " from credits_entry e join credits_transaction t on t.id = e.transaction_id order by e.id desc"
        ).fetchone()

    assert row == (True, False)


TRANSACTION = {
    "account_id": "a.id",
    "uuid": "gen_random_uuid()",
    "kind": "'purchase'",
    "scope": "'forged'",
    "key": "gen_random_uuid()::text",
    "fingerprint": "sha256('')",
    "amount": "1",
    "source": "'cs_forged'",
    "result": "'{}'::jsonb",
    "digest": "''",
    "created_at": "now()",
}


@pytest.mark.parametrize(
    ("bent", "rule"),
    [
        ({"source": "'cs_twice'"}, "credits_transaction_one_purchase_per_source"),
        ({"source": "''"}, "credits_transaction_source_iff_purchase"),
        ({"scope": "'tests'", "key": "'job:1'"}, "credits_transaction_key_once"),
        ({"scope": "''"}, "credits_transaction_scope_and_key_given"),
        ({"key": "''"}, "credits_transaction_scope_and_key_given"),
        ({"kind": "'theft'"}, "credits_transaction_kind_known"),
        ({"reverses_id": "(select min(id) from credits_transaction)"}, "credits_transaction_only_reversal_reverses"),
    ],
)  # fmt: skip
def test_a_bent_transaction_is_refused_to_the_owner(
    owner: psycopg.Connection, bent: dict[str, str], rule: str
) -> None:
    def insert(columns: dict[str, str]) -> str:
        values = ", ".join(columns.values())
        return (
            f"insert into credits_transaction ({', '.join(columns)})"
            f" select {values} from credits_account a where a.posted = 43"
        )

    with owner.transaction(force_rollback=True):
        owner.execute(insert({**TRANSACTION, "source": "'cs_twice'"}))
        refused(owner, insert({**TRANSACTION, **bent}), rule)


def test_what_a_digest_is_given_as_is_not_believed(owner: psycopg.Connection) -> None:
    with owner.transaction(force_rollback=True):
        owner.execute(
            f"insert into credits_transaction ({', '.join(TRANSACTION)})"
            f" select {', '.join(TRANSACTION.values())} from credits_account a where a.posted = 43"
        )
        row = owner.execute(
            "select digest = credits_transaction_digest(t) from credits_transaction t order by id desc"
        ).fetchone()

    assert row == (True,)


# What each guard says of an overdraft; the one of entries is asked first, then the account's.
OVERDRAFT = {
    "credits_entry_verify": "v_remaining < v_held",
    "credits_account_guard": "new.posted < new.held",
}


@pytest.mark.parametrize(
    ("without", "rule"), [(1, "credits_account_no_overdraft"), (2, "credits_lot_no_overdraft")]
)
def test_behind_one_guard_against_overdrafts_stands_the_next(
    owner: psycopg.Connection, without: int, rule: str
) -> None:
    def silenced(said: str) -> Callable[[str], str]:
        return lambda source: source.replace(said, "false")

    guards = list(OVERDRAFT.items())[:without]
    with replaced(owner, {guard: silenced(said) for guard, said in guards}):
        refused(owner, entry(amount="-44", balance_after="a.posted - 44"), rule)


def test_a_spend_of_an_expired_lot_is_refused_to_the_owner(owner: psycopg.Connection) -> None:
    with owner.transaction(force_rollback=True):
        owner.execute(
            "insert into credits_lot (uuid, account_id, transaction_id, kind, granted, expires_at, created_at)"
            " select gen_random_uuid(), a.id, t.id, 'promo', 50, clock_timestamp(), now()"
            " from credits_account a join credits_transaction t on t.account_id = a.id and t.kind = 'grant'"
            " where a.posted = 43"
        )
        expired = "(select max(id) from credits_lot)"
        owner.execute(entry(kind="'promo'", amount="50", balance_after="a.posted + 50", lot_id=expired))
        refused(owner, entry(lot_id=expired), "credits_entry_lot_not_expired")


@pytest.mark.parametrize(
    ("columns", "rule"),
    [
        ({"granted": "0"}, "credits_lot_granted_in_range"),
        ({"kind": "'gift'"}, "credits_lot_kind_known"),
        ({"price_minor": "-1", "currency": "'USD'"}, "credits_lot_price_not_negative"),
        ({"price_minor": "5"}, "credits_lot_price_has_currency"),
        ({"currency": "'usd'"}, "credits_lot_currency_iso"),
        ({"priority": "-1"}, "credits_lot_priority_not_negative"),
        ({"expires_at": "'10000-01-01'"}, "credits_lot_expiry_in_range"),
        ({"expires_at": "'infinity'"}, "credits_lot_expiry_in_range"),
    ],
)  # fmt: skip
def test_a_lot_has_terms_that_make_sense(
    owner: psycopg.Connection, columns: dict[str, str], rule: str
) -> None:
    lot = {
        "uuid": "gen_random_uuid()", "account_id": "account_id", "transaction_id": "id", "kind": "'promo'",
        "granted": "5", "created_at": "now()", **columns,
    }  # fmt: skip

    refused(
        owner,
        f"insert into credits_lot ({', '.join(lot)}) select {', '.join(lot.values())} from credits_transaction",
        rule,
    )


def test_an_account_and_its_user_stay(alice: User) -> None:
    with pytest.raises(ProtectedError):
        alice.delete()

    assert Account.objects.filter(user=alice).exists()


def test_ids_in_the_open_are_not_guessable() -> None:
    shown = [account.uuid for account in Account.objects.all()]

    assert all(isinstance(one, uuid.UUID) and one.version == 7 for one in shown)
    assert len({one.bytes[-8:] for one in shown}) == 2


def test_the_owner_does_not_switch_the_triggers_off_for_a_session(owner: psycopg.Connection) -> None:
    """Only a superuser may; ALTER TABLE ... DISABLE TRIGGER the owner may, and the system check says so."""
    if owner.execute("select rolsuper from pg_roles where rolname = current_user").fetchone() == (True,):
        pytest.skip("here the owner is a superuser")

    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        owner.execute("set session_replication_role = replica")
