"""Purchases as a file for the books: one line each, amounts in minor units, nothing that names a person."""

from collections.abc import Iterator
from itertools import chain

from django.db.models import QuerySet

from credits.spreadsheets import csv_lines
from purchases.models import Purchase

COLUMNS = (
    "uuid",
    "created_at",
    "credited_at",
    "status",
    "credited_via",
    "tier_slug",
    "credits",
    "bonus_credits",
    "currency",
    "price_minor",
    "amount_subtotal",
    "amount_discount",
    "amount_tax",
    "amount_total",
    "stripe_session_id",
    "payment_intent",
    "owner_id",
    "is_late",
    "is_duplicate",
    "refunded_minor",
    "disputed_minor",
    "credits_taken",
)
CHUNK = 500


def csv_of(purchases: QuerySet[Purchase]) -> Iterator[str]:
    """Yield a heading and a line for each purchase, oldest first, from a cursor that stays in the database."""
    rows = purchases.order_by("pk").values_list(*COLUMNS).iterator(chunk_size=CHUNK)
    return csv_lines(chain([COLUMNS], rows))
