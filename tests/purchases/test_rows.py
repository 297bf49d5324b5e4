"""Rows read and written in fixed words are those that the ORM reads and writes."""

import pytest
from django.db import connection
from django.db.models.expressions import RawSQL
from django.db.models.functions import Now

from purchases import rows
from purchases.models import Purchase, StripeEvent


def test_a_row_is_as_the_orm_reads_it(paid: Purchase) -> None:
    known = Purchase.objects.get(pk=paid.pk)

    found = rows.one(Purchase, "stripe_session_id = %s", paid.stripe_session_id or "")

    assert found is not None
    assert found == known
    for field in Purchase._meta.concrete_fields:
        assert getattr(found, field.attname) == getattr(known, field.attname), field
        assert type(getattr(found, field.attname)) is type(getattr(known, field.attname)), field
    assert known.request["mode"] == "payment"


def test_a_row_that_is_not_there_is_none(db: None) -> None:
    assert rows.one(StripeEvent, "event_id = %s", "evt_nowhere") is None


def test_what_is_named_is_written_and_nothing_else(paid: Purchase) -> None:
    paid.reason, paid.tier_name, paid.paid_at, paid.stripe_url = (
        "why",
        "not named",
        Now(),
        "https://%s.example/",
    )

    rows.write(paid, ["reason", "paid_at", "stripe_url"])

    with connection.cursor() as cursor:
        cursor.execute(
            "select reason, tier_name, stripe_url, now() - paid_at < interval '1 minute' from purchases_purchase"
        )
        assert cursor.fetchall() == [("why", "Plus", "https://%s.example/", True)]


def test_sql_is_written_as_what_it_says(paid: Purchase) -> None:
    paid.reason, paid.checks = RawSQL("upper(%s) || '%%'", ("why",)), 7

    rows.write(paid, ["reason", "checks"])

    written = Purchase.objects.get()
    assert (written.reason, written.checks) == ("WHY%", 7)


def test_a_row_that_is_gone_cannot_be_written(paid: Purchase) -> None:
    paid.pk += 1

    with pytest.raises(AssertionError):
        rows.write(paid, ["reason"])
