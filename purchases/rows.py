"""Rows of the one road, read and written in fixed words.

The ORM makes the words of a statement anew for each call; for the columns of a purchase that takes Python four times as
long as reading them. Only for what each payment passes through: elsewhere the ORM is clear enough.
"""

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, TypeVar

from django.db import connection
from django.db.models import JSONField, Model
from django.db.models.expressions import RawSQL
from django.db.models.functions import Now

Row = TypeVar("Row", bound=Model)


def one(model: type[Row], condition: str, *values: str | int) -> Row | None:
    """Return the row of `model` for which an SQL `condition` with these `values` holds; None where there is none.

    `condition` may end in a lock. JSON is read once somebody looks at it.
    """
    names, statement = _reading(model)
    with connection.cursor() as cursor:
        cursor.execute(f"{statement} where {condition}", values)
        row = cursor.fetchone()
    return None if row is None else model.from_db(connection.alias, names, row)


def write(row: Model, names: Iterable[str]) -> None:
    """Write these columns of a row that is locked. Each holds a plain value, Now(), or SQL with values of its own."""
    words: list[str] = []
    values: list[Any] = []
    for name in names:
        said, given = _said(getattr(row, name))
        words.append(f"{name} = {said}")
        values += given
    with connection.cursor() as cursor:
        cursor.execute(_writing(row._meta.db_table, tuple(words)), [*values, row.pk])
        assert cursor.rowcount == 1, "a locked row is there"


def _said(value: Any) -> tuple[str, Sequence[Any]]:
    if isinstance(value, RawSQL):
        return value.sql, value.params
    return ("statement_timestamp()", ()) if isinstance(value, Now) else ("%s", (value,))


@cache
def _reading(model: type[Model]) -> tuple[list[str], str]:
    fields: list[Any] = [field for field in model._meta.concrete_fields if not isinstance(field, JSONField)]
    columns = ", ".join(field.column for field in fields)
    return [field.attname for field in fields], f"select {columns} from {model._meta.db_table}"  # noqa: S608  names of our own


@cache
def _writing(table: str, words: tuple[str, ...]) -> str:
    return f"update {table} set {', '.join(words)} where id = %s"  # noqa: S608  names of our own
