"""Rows of the one road, read and written in fixed words.

The ORM makes the words of a statement anew for each call; for the columns of a purchase that takes Python four times as
long as reading them. Only for what each payment passes through: elsewhere the ORM is clear enough.
"""

from collections.abc import Iterable
from functools import cache
from typing import Any, TypeVar

from django.db import connection
from django.db.models import JSONField, Model
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
    """Write these columns of a row that is locked. Each holds a plain value, or Now()."""
    columns = {name: getattr(row, name) for name in names}
    values = [value for value in columns.values() if not isinstance(value, Now)]
    statement = _writing(
        row._meta.db_table, tuple((name, isinstance(value, Now)) for name, value in columns.items())
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [*values, row.pk])
        assert cursor.rowcount == 1, "a locked row is there"


@cache
def _reading(model: type[Model]) -> tuple[list[str], str]:
    fields: list[Any] = [field for field in model._meta.concrete_fields if not isinstance(field, JSONField)]
    columns = ", ".join(field.column for field in fields)
    return [field.attname for field in fields], f"select {columns} from {model._meta.db_table}"  # noqa: S608  names of our own


@cache
def _writing(table: str, columns: tuple[tuple[str, bool], ...]) -> str:
    words = ", ".join(f"{name} = {'statement_timestamp()' if is_now else '%s'}" for name, is_now in columns)
    return f"update {table} set {words} where id = %s"  # noqa: S608  names of our own
