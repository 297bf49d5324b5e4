"""Accounts by the public number that other programs use. Moves nothing."""

import uuid
from dataclasses import dataclass

from django.db import connection

from credits.errors import AccountMerged
from credits.people import Person


@dataclass(frozen=True, kw_only=True)
class Holder:
    """Whose account it is, as much of a user as the ledger knows; and where its credits went if it was merged."""

    pk: int | None
    merged_into: uuid.UUID | None = None

    def refuse_merged(self) -> None:
        """Raise AccountMerged where the credits are elsewhere now."""
        if self.merged_into is not None:
            raise AccountMerged(to=self.merged_into)


_HOLDER = """
select account.user_id, heir.uuid
from credits_account as account
left join credits_account as heir on heir.id = account.merged_into_id
where account.uuid = %s
"""


def holder_of(account: uuid.UUID) -> Holder | None:
    """Return who has this account; None where there is none. One query."""
    with connection.cursor() as cursor:
        cursor.execute(_HOLDER, [account])
        row = cursor.fetchone()
    return None if row is None else Holder(pk=row[0], merged_into=row[1])


_WITH_MERGED = """
with recursive way as (
  select id from credits_account where user_id = %s
  union all
  select merged.id from credits_account as merged join way on merged.merged_into_id = way.id
)
select id from way
"""


def with_merged(user: Person) -> list[int]:
    """Return the ids of this user's account and of all that were merged into it, over any number of merges."""
    with connection.cursor() as cursor:
        cursor.execute(_WITH_MERGED, [user.pk])
        return [account for (account,) in cursor.fetchall()]


def account_of(user: Person) -> uuid.UUID:
    """Return the number of this user's account, and open it where there is none yet. Raises AccountMerged."""
    with connection.cursor() as cursor:
        cursor.execute("select credits_open(%s)", [user.pk])
        (account,) = cursor.fetchone()
    assert isinstance(account, uuid.UUID)
    holder = holder_of(account)
    assert holder is not None, "an account stays"
    holder.refuse_merged()
    return account


def users_with_account(user_ids: list[int]) -> set[int]:
    """Return those of these people who have an account: there was an entry or a hold, and they must stay."""
    with connection.cursor() as cursor:
        cursor.execute("select user_id from credits_account where user_id = any(%s)", [user_ids])
        return {user_id for (user_id,) in cursor.fetchall()}
