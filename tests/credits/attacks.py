"""Statements of an attacker, well-formed but for what an attack bends."""

import psycopg
import pytest
from psycopg.errors import CheckViolation, UniqueViolation

TABLES = [
    "credits_account",
    "credits_transaction",
    "credits_entry",
    "credits_lot",
    "credits_hold",
    "credits_hold_line",
    "credits_hold_resolution",
]


# A well-formed entry by hand, one clause of which each attack bends.
SPEND = {
    "account_id": "a.id",
    "transaction_id": "t.id",
    "kind": "'spend'",
    "lot_id": "l.id",
    "counter_account_id": "null::bigint",
    "account_seq": "a.seq + 1",
    "amount": "-1",
    "debt_change": "0",
    "balance_after": "a.posted - 1",
    "debt_after": "a.debt",
    "prev_hash": "a.head_hash",
    "row_hash": "a.head_hash",
    "created_at": "clock_timestamp()",
}


def entry(**bent: str) -> str:
    """An INSERT of one entry on Alice's account, well-formed where nothing is bent."""
    columns = {**SPEND, **bent}
    return (
        f"insert into credits_entry ({', '.join(columns)}) select {', '.join(columns.values())}"
        " from credits_account a join credits_transaction t on t.account_id = a.id and t.kind = 'spend'"
        " join credits_lot l on l.id = (select min(id) from credits_lot where account_id = a.id)"
        " where a.id = (select min(id) from credits_account)"
    )


def refused(attacker: psycopg.Connection, statement: str, rule: str) -> None:
    with pytest.raises((CheckViolation, UniqueViolation)) as refusal, attacker.transaction():
        attacker.execute(statement)
    assert refusal.value.diag.constraint_name == rule


def with_own_trigger(attacker: psycopg.Connection, statement: str) -> None:
    """Run the statement inside a trigger on a temporary table, where pg_trigger_depth() is what the guards expect."""
    with attacker.transaction():
        attacker.execute("create temporary table bait (id bigint) on commit drop")
        attacker.execute(
            "create function pg_temp.bite() returns trigger language plpgsql as"
            f" $body$ begin {statement}; return new; end $body$"
        )
        attacker.execute(
            "create trigger bite after insert on bait for each row execute function pg_temp.bite()"
        )
        attacker.execute("insert into bait values (1)")
