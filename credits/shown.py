"""The balance as a page shows it: read together with the person, once a request, the same in every place."""

from typing import TypeVar

from django.db import connection
from django.db.models import Model

from credits.balances import BALANCE, Balance, balance_from, balance_of
from credits.people import Person

Someone = TypeVar("Someone", bound=Model)

_ATTACHED = "_balance_shown"
_COLUMNS = [
    f"balance_{name}"
    for name in ("account", "free", "held", "debt", "lifetime", "spent", "version", "next_expiry")
]


def person_with_balance(model: type[Someone], pk: object) -> Someone | None:
    """Read somebody by primary key and, in the same query, what they have: `shown_to` hands it out."""
    people = connection.ops.quote_name(model._meta.db_table)
    found = model._default_manager.raw(
        f"select person.*, balance.* from {people} as person"  # noqa: S608  names of our own
        f" left join lateral ({BALANCE.replace('%s', 'person.id')}) as balance ({', '.join(_COLUMNS)}) on true"
        " where person.id = %s",
        [pk],
    )
    person = next(iter(found), None)
    if person is not None:
        row = [person.__dict__.pop(name) for name in _COLUMNS]
        person.__dict__[_ATTACHED] = Balance() if row[0] is None else balance_from(row)
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
