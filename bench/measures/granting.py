"""Giving credits to everybody: one transaction each, against a few hundred to a transaction, and to a statement."""

import statistics
import time

from bench.report import Section
from bench.server import House

CHUNK = 500
PEOPLE = 2_000  # of the 10,000, so that a round stays short


def measure(house: House) -> Section:
    """All ways in turn, for the same people."""
    ways = {
        "`give`, each in a transaction of its own": _one_by_one,
        f"`give`, {CHUNK} to a transaction": _in_chunks,
        f"`give_each`, {CHUNK} to a statement": _each,
    }
    rates: dict[str, list[float]] = {way: [] for way in ways}
    for number in range(house.rounds):
        for way, give_all in ways.items():
            begin = time.perf_counter()
            give_all(f"{way} {number}")
            rates[way].append(PEOPLE / (time.perf_counter() - begin))
    medians = {way: statistics.median(measured) for way, measured in rates.items()}
    alone = next(iter(medians.values()))
    return Section(
        title="Granting to many",
        note=f"10 credits to {PEOPLE:,} people with `credits.gifts`, one after the other on one connection.",
        columns=["way", "grants", "ratio"],
        rows=[[way, f"{rate:,.0f}/s", f"{rate / alone:.2f}"] for way, rate in medians.items()],
    )


def _one_by_one(key: str) -> None:
    for person in range(1, PEOPLE + 1):
        _give(person, key)


def _in_chunks(key: str) -> None:
    from django.db import transaction

    for first in range(1, PEOPLE + 1, CHUNK):
        with transaction.atomic():
            for person in range(first, min(first + CHUNK, PEOPLE + 1)):
                _give(person, key)


def _give(person: int, key: str) -> None:
    from accounts.models import User
    from credits.gifts import give

    give(user=User(pk=person), amount=10, kind="promo", scope="bench", key=key)


def _each(key: str) -> None:
    from accounts.models import User
    from credits.gifts import AT_A_TIME, give_each

    assert AT_A_TIME == CHUNK, "the table says so"
    people = [User(pk=person) for person in range(1, PEOPLE + 1)]
    give_each(users=people, amount=10, kind="promo", scope="bench", key=key)
