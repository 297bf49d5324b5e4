"""How long a statement of an account with very many entries takes in the database: its newest page and a deep one."""

import json
import statistics

import psycopg

from bench.report import Section
from bench.server import House

COUNT = 1_000_000
PAGE = 25
# As credits.statements asks: by the number within the account, so that a deep page costs what the first one does.
NEWEST = "select * from credits_entry where account_id = {account} order by account_seq desc limit 25"
DEEP = NEWEST.replace("order by", "and account_seq < {below} order by")
# Entries in bulk, past the triggers: only their number and order matter here.
FILL = """
set session_replication_role = replica;
insert into credits_entry (
  account_id, transaction_id, kind, account_seq, amount, debt_change, balance_after, debt_after, prev_hash, row_hash,
  created_at
)
select {account}, 1, 'spend', i, -1, 0, 0, 0, sha256(int8send(i)), sha256(int8send(i)), now()
from generate_series({first}, {last}) as i;
set session_replication_role = origin;
"""


def measure(house: House) -> Section:
    """The time that EXPLAIN ANALYZE gives, in milliseconds."""
    with psycopg.connect(house.superuser, autocommit=True) as connection:
        # An account that nothing else here looks at, and that no proof is asked of.
        account = -1
        connection.execute(FILL.format(account=account, first=1, last=COUNT))
        connection.execute("vacuum analyze credits_entry")
        pages = {"newest": NEWEST.format(account=account)}
        for share in (0.9, 0.5, 0.001):
            pages[f"after {1 - share:.1%} of them"] = DEEP.format(account=account, below=int(COUNT * share))
        rows = [[name, f"{_milliseconds(connection, house, query):.3f} ms"] for name, query in pages.items()]
        connection.execute("set session_replication_role = replica")
        connection.execute(f"delete from credits_entry where account_id = {account}")
    return Section(
        title="Reading",
        note=f"One page of {PAGE} entries of an account that has {COUNT:,}, in the database.",
        columns=["page", "time"],
        rows=rows,
    )


def _milliseconds(connection: psycopg.Connection, house: House, query: str) -> float:
    times = []
    for _ in range(max(house.rounds, 5) * 3):
        row = connection.execute(f"explain (analyze, format json) {query}").fetchone()
        assert row is not None
        plan = row[0] if isinstance(row[0], list) else json.loads(row[0])
        times.append(plan[0]["Execution Time"] + plan[0]["Planning Time"])
    return float(statistics.median(times))
