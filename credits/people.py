"""Who has an account: a stored user, or (to read nothing) a visitor who is not signed in."""

from typing import Protocol


class Person(Protocol):
    """As much of a user as the ledger knows."""

    @property
    def pk(self) -> int | None: ...
