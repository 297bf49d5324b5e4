"""docs/scale.md says which key shards and what would not stay local: these tests keep it true."""

import re

from django.db import connection

from credits.hardening import ledger_tables
from tests.environment import ROOT

UNIQUE = """
select indexrelid::regclass::text, array(
  select attname::text from pg_attribute where attrelid = indrelid and attnum = any(indkey)
)
from pg_index where indisunique and indrelid::regclass::text = any(%s)
"""


def test_every_ledger_table_carries_its_account(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "select table_name from information_schema.columns"
            " where table_name = any(%s) and column_name = 'account_id' and is_nullable = 'NO'",
            [ledger_tables()],
        )
        carrying = {name for (name,) in cursor.fetchall()}

    assert carrying == set(ledger_tables()) - {"credits_account"}


def test_what_is_unique_beyond_an_account_is_what_the_document_lists(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(UNIQUE, [ledger_tables()])
        beyond = {
            index
            for index, columns in cursor.fetchall()
            if "account_id" not in columns and not index.startswith("credits_account")
        }
    text = (ROOT / "docs" / "scale.md").read_text()
    listed = set(re.findall(r"^\| `(credits_\w+)` \|", text, re.MULTILINE))

    assert beyond == listed
