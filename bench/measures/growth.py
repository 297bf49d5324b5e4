"""Whether a ledger that has grown posts as fast as a small one: both in the same minutes."""

import statistics
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from urllib.parse import urlsplit

import psycopg

from bench import pgbench
from bench.measures.posting import FUNCTION
from bench.report import Section
from bench.server import House
from bench.workers import ACCOUNTS

LOADS = [1, 8]
# As the verb would have written them, hashes included, but with the triggers off, some accounts at a time: `fill` has
# the new entries of each account, each made of the one before.
FILL = """
create temporary table fill on commit drop as
with recursive fill as (
  select
    0 as step, account.id as account_id, account.uuid as account, lot.id as lot_id, lot.uuid as lot, account.lifetime,
    account.seq, account.posted, account.spent, account.version, account.entry_at as at,
    account.head_hash as prev_hash, account.head_hash, null::credits_transaction as journal
  from credits_account as account
  join credits_lot as lot on lot.id = (select min(id) from credits_lot where account_id = account.id)
  where account.id between {first} and {last}
  union all
  select
    step + 1, account_id, account, lot_id, lot, lifetime,
    seq + 1, posted - 1, spent + 1, version + 1, at,
    head_hash,
    credits_entry_hash(
      row(
        null, 'spend', seq + 1, -1, 0, posted - 1, 0, head_hash, null, at, account_id, null, null, lot_id
      )::credits_entry,
      credits_transaction_digest(next.journal)
    ),
    next.journal
  from fill
  cross join lateral (
    select row(
      null, made.uuid, 'spend', 'bench', 'fill:' || (seq + 1), credits_spend_fingerprint(1, '', '{{}}'), 1, '', '', '',
      '{{}}',
      jsonb_build_object(
        'id', made.uuid, 'account', account, 'free_before', posted, 'held_before', 0, 'debt_before', 0,
        'free', posted - 1, 'held', 0, 'debt', 0, 'lifetime', lifetime, 'spent', spent + 1, 'version', version + 1,
        'taken', jsonb_build_array(jsonb_build_array(lot, 1))
      ),
      null, at, account_id, null, null
    )::credits_transaction as journal
    from (select credits_uuid(at) as uuid) as made offset 0  -- made once, not for each of its columns
  ) as next
  where step < {steps}
)
select *, nextval('credits_transaction_id_seq') as journal_id from fill where step > 0 order by step, account_id;

insert into credits_transaction (
  id, uuid, kind, scope, key, fingerprint, amount, metadata, result, digest, created_at, account_id
)
select
  journal_id, (journal).uuid, 'spend', (journal).scope, (journal).key, (journal).fingerprint, 1, '{{}}',
  (journal).result, credits_transaction_digest(journal), at, account_id
from fill;

insert into credits_entry (
  account_id, transaction_id, lot_id, kind, account_seq, amount, balance_after, debt_after, prev_hash, row_hash,
  created_at
)
select account_id, journal_id, lot_id, 'spend', seq, -1, posted, 0, prev_hash, head_hash, at from fill;

update credits_account as account set
  posted = fill.posted, spent = fill.spent, seq = fill.seq, version = fill.version, head_hash = fill.head_hash
from fill where step = {steps} and account.id = account_id;

update credits_lot as lot set remaining = remaining - {steps}, moved_seq = fill.seq
from fill where step = {steps} and lot.id = lot_id;
"""
AT_A_TIME = 200  # accounts: what is in memory at once


def measure(house: House) -> Section:
    """The rate of (b), in a copy of the database as it is and in the database itself, filled: in turn."""
    title = "A large ledger"
    if not house.pgbench:
        return Section(title=title, note=pgbench.MISSING, columns=["entries"], rows=[])
    with _copied(house) as copy:
        _fill(house)
        counts = [_count(copy), _count(house)]
        small, large = _rates(copy, house)
    rows = [
        [f"{count:,}", *(f"{rates[load]:,.0f}/s ({rates[load] / small[load]:.2f})" for load in LOADS)]
        for count, rates in zip(counts, (small, large), strict=True)
    ]
    note = (
        f"(b) spread over {ACCOUNTS:,} accounts, both ledgers in turn; in brackets the share of the first line. "
        "`python -m bench --entries N --only growth` fills it further."
    )
    return Section(title=title, note=note, columns=["entries", "1 connection", "8 connections"], rows=rows)


@contextmanager
def _copied(house: House) -> Iterator[House]:
    """A house with the same rows in a database of its own."""
    from django.db import connections

    connections.close_all()  # a database that is copied has no visitors
    url = urlsplit(house.superuser)
    name = url.path.removeprefix("/")
    with psycopg.connect(url._replace(path="/postgres").geturl(), autocommit=True) as server:
        server.execute(f"create database {name}_small template {name}")
        try:
            yield replace(house, superuser=_small(house.superuser), runtime=_small(house.runtime))
        finally:
            server.execute(f"drop database {name}_small with (force)")


def _small(url: str) -> str:
    split = urlsplit(url)
    return split._replace(path=f"{split.path}_small").geturl()


def _rates(*houses: House) -> list[dict[int, float]]:
    """Of each house, by the number of connections."""
    with psycopg.connect(houses[0].superuser, autocommit=True) as connection:
        connection.execute("checkpoint")
    measured: list[dict[int, list[float]]] = [{load: [] for load in LOADS} for _ in houses]
    for _ in range(houses[0].rounds):
        for load in LOADS:
            for house, rates in zip(houses, measured, strict=True):
                rate = pgbench.rate(house, FUNCTION, connections=load, is_hot=False, seconds=house.seconds)
                rates[load].append(rate)
    return [{load: statistics.median(found) for load, found in rates.items()} for rates in measured]


def _fill(house: House) -> None:
    steps = (house.entries - _count(house)) // ACCOUNTS
    with psycopg.connect(house.superuser, autocommit=True) as connection:
        connection.execute("set session_replication_role = replica")
        for first in range(1, ACCOUNTS + 1, AT_A_TIME) if steps > 0 else ():
            with connection.transaction():
                connection.execute(FILL.format(first=first, last=first + AT_A_TIME - 1, steps=steps))
        connection.execute("vacuum analyze")


def _count(house: House) -> int:
    with psycopg.connect(house.superuser) as connection:
        row = connection.execute("select count(*) from credits_entry").fetchone()
    assert row is not None
    return int(row[0])
