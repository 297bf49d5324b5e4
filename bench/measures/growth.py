"""Whether a ledger that has grown posts as fast as a small one: the same, before and after it is filled."""

import statistics

import psycopg

from bench import pgbench
from bench.measures.posting import FUNCTION
from bench.report import Section
from bench.server import House
from bench.workers import ACCOUNTS

LOADS = [1, 8]
# Through the verb, so that every row, index and hash is as it would be; a few postings of each account in turn.
FILL = """
do $$
begin
  for i in 1 .. {rounds} loop
    perform credits_spend(id, 1, 'bench', 'fill:{number}:' || i, '', '{{}}', '', false)
    from accounts_user where id between {first} and {last};
  end loop;
end $$
"""
PER_ACCOUNT = 10  # to a transaction: see docs/ledger.md on version chains


def measure(house: House) -> Section:
    """The rate of (b), before and after."""
    title = "A large ledger"
    if not house.pgbench:
        return Section(title=title, note=pgbench.MISSING, columns=["entries"], rows=[])
    before, small = _count(house), _rates(house)
    _fill(house)
    after, large = _count(house), _rates(house)
    rows = [
        [f"{count:,}", *(f"{rates[load]:,.0f}/s ({rates[load] / small[load]:.2f})" for load in LOADS)]
        for count, rates in ((before, small), (after, large))
    ]
    note = (
        f"(b) spread over {ACCOUNTS:,} accounts; in brackets the share of the first line. "
        "`python -m bench --entries N --only growth` fills it further; ten million take hours on two cores."
    )
    return Section(title=title, note=note, columns=["entries", "1 connection", "8 connections"], rows=rows)


def _rates(house: House) -> dict[int, float]:
    with psycopg.connect(house.superuser, autocommit=True) as connection:
        connection.execute("checkpoint")
    measured: dict[int, list[float]] = {load: [] for load in LOADS}
    for _ in range(house.rounds):
        for load in LOADS:
            rate = pgbench.rate(house, FUNCTION, connections=load, is_hot=False, seconds=house.seconds)
            measured[load].append(rate)
    return {load: statistics.median(rates) for load, rates in measured.items()}


def _fill(house: House) -> None:
    missing, number = house.entries - _count(house), 0
    with psycopg.connect(house.superuser, autocommit=True) as connection:
        while missing > 0:
            for first in range(1, ACCOUNTS + 1, 500):
                last = first + 499
                connection.execute(FILL.format(rounds=PER_ACCOUNT, number=number, first=first, last=last))
            missing, number = missing - ACCOUNTS * PER_ACCOUNT, number + 1
        connection.execute("vacuum analyze")


def _count(house: House) -> int:
    with psycopg.connect(house.superuser) as connection:
        row = connection.execute("select count(*) from credits_entry").fetchone()
    assert row is not None
    return int(row[0])
