"""Giving credits to everybody: one transaction each, against a few hundred to a transaction."""

import statistics
import time

from bench.report import Section
from bench.server import House

CHUNK = 500
PEOPLE = 2_000  # of the 10,000, so that a round stays short


def measure(house: House) -> Section:
    """Both ways in turn, for the same people."""
    rates: dict[int, list[float]] = {1: [], CHUNK: []}
    for number in range(house.rounds):
        for chunk, measured in rates.items():
            measured.append(_rate(chunk, campaign=f"{number}:{chunk}"))
    single, chunked = (statistics.median(measured) for measured in rates.values())
    return Section(
        title="Granting to many",
        note=f"10 credits to {PEOPLE:,} people with `deposits.grant`, one after the other on one connection.",
        columns=["way", "grants", "ratio"],
        rows=[
            ["each in a transaction of its own", f"{single:,.0f}/s", "1.00"],
            [f"{CHUNK} to a transaction", f"{chunked:,.0f}/s", f"{chunked / single:.2f}"],
        ],
    )


def _rate(chunk: int, *, campaign: str) -> float:
    from django.db import transaction

    begin = time.perf_counter()
    for first in range(1, PEOPLE + 1, chunk):
        if chunk == 1:
            _grant(first, campaign)
            continue
        with transaction.atomic():
            for person in range(first, min(first + chunk, PEOPLE + 1)):
                _grant(person, campaign)
    return PEOPLE / (time.perf_counter() - begin)


def _grant(person: int, campaign: str) -> None:
    from accounts.models import User
    from credits.deposits import NewLot, grant

    lot = NewLot(kind="promo", amount=10)
    grant(user=User(pk=person), lots=[lot], scope="bench", key=f"gift:{campaign}")
