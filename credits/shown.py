"""The balance as a page shows it: read together with the person, once a request, the same in every place."""

from functools import cache
from typing import Any, TypeVar

from django.db import connection
from django.db.models import Field, Model

from credits.balances import BALANCE, Balance, balance_from, balance_of
from credits.people import Person

Someone = TypeVar("Someone", bound=Model)

_ATTACHED = "_balance_shown"


def person_with_balance(model: type[Someone], pk: Any) -> Someone | None:
    """Read somebody by primary key and, in the same query, what they have: `shown_to` hands it out."""
    fields = model._meta.concrete_fields
    with connection.cursor() as cursor:
        cursor.execute(_query(model), [pk])
        row = cursor.fetchone()
    if row is None:
        return None
    values = [_read(field, value) for field, value in zip(fields, row, strict=False)]
    person = model.from_db(connection.alias, [field.attname for field in fields], values)
    balance = row[len(fields) :]
    setattr(person, _ATTACHED, Balance() if balance[0] is None else balance_from(balance))
    return person


def shown_to(user: Person) -> Balance:
    """Return the balance that came with the person; without one, ask the ledger, and keep the answer."""
    known: Balance | None = getattr(user, _ATTACHED, None)
    if known is None:
        known = balance_of(user)
        setattr(user, _ATTACHED, known)
    return known


def read_again(user: Person) -> None:
    """Let `shown_to` ask the ledger: something may have moved since the person was read."""
    setattr(user, _ATTACHED, None)


@cache
def _query(model: type[Model]) -> str:
    """The columns of a person, then those of BALANCE. Not `raw()`: to name the columns costs it more than the query."""
    quoted = connection.ops.quote_name
    columns = ", ".join(f"person.{quoted(str(field.column))}" for field in model._meta.concrete_fields)
    return (
        f"select {columns}, balance.* from {quoted(model._meta.db_table)} as person"  # noqa: S608  names of our own
        f" left join lateral ({BALANCE.replace('%s', 'person.id')}) as balance on true"
        " where person.id = %s"
    )


def _read(field: Field[Any, Any], value: Any) -> Any:
    convert = getattr(field, "from_db_value", None)
    return convert(value, None, connection) if convert else value
