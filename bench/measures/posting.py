"""How fast credits are spent: the limit of the database, our function, our verb, and other people's ways."""

import statistics
import sys
from collections import defaultdict
from contextlib import ExitStack

import psycopg

from bench import hordak_crew, pgbench
from bench.report import Section
from bench.server import PLENTY, House
from bench.workers import ACCOUNTS, Crew

# The smallest honest posting: one statement, a balance that does not go below zero, a key that counts once.
LIMIT = """
with moved as (
  update bench_limit_account set balance = balance - 1 where id = :who and balance >= 1 returning id, balance
)
insert into bench_limit_entry (account_id, key, amount, balance_after)
select id, 'job:' || :key, -1, balance from moved;
"""
FUNCTION = """
select credits_spend(
  p_user_id => :who, p_amount => 1, p_scope => 'bench', p_key => 'job:' || :key, p_reason => '', p_metadata => '{}',
  p_actor => '', p_is_debt_allowed => false
);
"""
TABLES = f"""
create table bench_limit_account (id bigint primary key, balance bigint not null check (balance >= 0))
  with (fillfactor = 50);
create table bench_limit_entry (
  id bigint generated always as identity primary key, account_id bigint not null, key text not null,
  amount bigint not null, balance_after bigint not null, created_at timestamptz not null default now(),
  unique (account_id, key)
);
create table bench_purse (id bigint primary key, balance bigint not null check (balance >= 0)) with (fillfactor = 50);
create table bench_line (
  id bigint generated always as identity primary key, purse_id bigint not null references bench_purse,
  key varchar(255) not null, amount bigint not null, balance_after bigint not null,
  created_at timestamptz not null default now(), unique (purse_id, key)
);
insert into bench_limit_account select i, {PLENTY} from generate_series(1, {ACCOUNTS}) as i;
insert into bench_purse select i, {PLENTY} from generate_series(1, {ACCOUNTS}) as i;
grant select, insert, update on bench_limit_account, bench_limit_entry, bench_purse, bench_line to public;
"""

WAYS = {
    "limit": "(a) the limit: one statement, pgbench",
    "function": "(b) credits_spend, pgbench",
    "spend": "(c) spending.spend(), Django",
    "spend_prepared": "(c') the same, CREDITS_PREPARED_STATEMENTS",
    "textbook": "(d) textbook ORM, Django",
    "transfer": "(e) django-hordak, transfer_to",
    "transfer_safe": "(e') the same, overdraft-safe",
}
LOADS = [(1, False), (8, False), (8, True)]

Rates = dict[tuple[str, int, bool], list[float]]


def measure(house: House) -> Section:
    """All ways in turn, round by round."""
    with psycopg.connect(house.superuser, autocommit=True) as connection:
        connection.execute(TABLES)
        connection.execute("vacuum analyze")
    rates: Rates = defaultdict(list)
    cpu: dict[str, list[float]] = defaultdict(list)
    with ExitStack() as stack:
        ours = stack.enter_context(Crew([sys.executable, "-m", "bench.django_worker"]))
        crews = dict.fromkeys(("spend", "spend_prepared", "textbook"), ours)
        theirs = stack.enter_context(hordak_crew.hired(house))
        if theirs:
            crews |= dict.fromkeys(("transfer", "transfer_safe"), theirs)
        for _ in range(house.rounds):
            for connections, is_hot in LOADS:
                _round(house, crews, rates, cpu, connections, is_hot)
    return Section(
        title="Posting",
        note=_note(house, has_hordak=theirs is not None),
        columns=["way", "1 connection", f"8, spread over {ACCOUNTS:,}", "8, one hot account", "Python CPU"],
        rows=[_row(way, rates, cpu) for way in WAYS if (way, 1, False) in rates],
    )


def _round(
    house: House,
    crews: dict[str, Crew],
    rates: Rates,
    cpu: dict[str, list[float]],
    connections: int,
    is_hot: bool,
) -> None:
    if house.pgbench:
        for way, script in (("limit", LIMIT), ("function", FUNCTION)):
            rate = pgbench.rate(house, script, connections=connections, is_hot=is_hot, seconds=house.seconds)
            rates[way, connections, is_hot].append(rate)
    for way, crew in crews.items():
        result = crew.run(way, connections=connections, is_hot=is_hot, seconds=house.seconds)
        rates[way, connections, is_hot].append(result.per_second)
        if connections == 1:
            cpu[way].append(result.cpu_us)


def _row(way: str, rates: Rates, cpu: dict[str, list[float]]) -> list[str]:
    cells = []
    for load in LOADS:
        rate = statistics.median(rates[(way, *load)])
        limit = statistics.median(rates[("limit", *load)]) if ("limit", *load) in rates else 0
        cells.append(f"{rate:,.0f}/s" + (f" ({rate / limit:.2f})" if limit else ""))
    spent = f"{statistics.median(cpu[way]):,.0f} us" if way in cpu else ""
    return [WAYS[way], *cells, spent]


def _note(house: House, *, has_hordak: bool) -> str:
    missing = [] if house.pgbench else [pgbench.MISSING]
    missing += [] if has_hordak else ["django-hordak could not be installed here and is left out."]
    return " ".join(["Postings a second; in brackets the share of the limit (a).", *missing])
