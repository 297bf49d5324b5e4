"""Credits that nobody paid for: promotional, bonus, adjustment. Paid ones come from a settled purchase alone."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from django.utils import timezone

from credits import book
from credits.book import Posting
from credits.errors import LotRefused
from credits.models import LedgerTransaction
from credits.people import Person

GiftKind = Literal["promo", "bonus", "adjustment"]
KINDS: tuple[GiftKind, ...] = ("promo", "bonus", "adjustment")
AT_A_TIME = 500  # people in one statement: their accounts are locked until it ends


@dataclass(frozen=True, kw_only=True)
class Handout:
    """How many people a round of gifts reached."""

    given: int
    given_before: int  # under the same scope and key
    passed_over: int  # merged: what they had is with another account


def give(
    *,
    user: Person,
    amount: int,
    kind: GiftKind,
    scope: str,
    key: str,
    description: str = "",
    expires_at: datetime | None = None,
    metadata: Mapping[str, Any] | None = None,
    actor: str = "",
) -> Posting:
    """Give `user` one lot of this kind. Once for a scope and key.

    Raises AmountOutOfRange, LotRefused (an expiry that has passed), KeyReused, AccountMerged.
    """
    gift = _gift(amount, kind, description, expires_at, metadata, actor)
    return book.post(
        "grant",
        scope=scope,
        key=key,
        p_user_id=user.pk,
        p_kind="grant",
        p_source="",
        p_purchase_ref="",
        **gift,
    )


def give_each(
    *,
    users: Iterable[Person],
    amount: int,
    kind: GiftKind,
    scope: str,
    key: str,
    description: str = "",
    expires_at: datetime | None = None,
    metadata: Mapping[str, Any] | None = None,
    actor: str = "",
) -> Handout:
    """Give each of `users` what `give` would, several hundred in a statement: for a campaign.

    Outside a transaction of the caller's each such statement is one of its own. What was broken off is finished by
    calling again with the same scope and key: who had it is not given it twice. A merged account is passed over.
    Raises AmountOutOfRange, LotRefused, KeyReused; people of later chunks have nothing then.
    """
    gift = _gift(amount, kind, description, expires_at, metadata, actor)
    given = given_before = passed_over = 0
    for chunk in _chunks(users):
        postings = book.post_each("grant", scope=scope, key=key, p_user_ids=chunk, **gift)
        replayed = sum(posting.replayed for posting in postings)
        given += len(postings) - replayed
        given_before += replayed
        passed_over += len(chunk) - len(postings)
    return Handout(given=given, given_before=given_before, passed_over=passed_over)


def given_before(users: Iterable[Person], *, scope: str, key: str) -> int:
    """Return how many of `users` were given something under this scope and key."""
    given = LedgerTransaction.objects.filter(kind=LedgerTransaction.Kind.GRANT, scope=scope, key=key)
    return sum(given.filter(account__user__in=chunk).count() for chunk in _chunks(users))


def check_terms(*, amount: int, expires_at: datetime | None) -> None:
    """Raise AmountOutOfRange or LotRefused where a gift like this would, as far as it can be known before."""
    book.check_amount(amount)
    if expires_at is not None and expires_at <= timezone.now():
        raise LotRefused


def _chunks(users: Iterable[Person]) -> Iterator[list[Any]]:
    people = list(dict.fromkeys(user.pk for user in users))
    for first in range(0, len(people), AT_A_TIME):
        yield people[first : first + AT_A_TIME]


def _gift(
    amount: int,
    kind: GiftKind,
    description: str,
    expires_at: datetime | None,
    metadata: Mapping[str, Any] | None,
    actor: str,
) -> dict[str, Any]:
    assert kind in KINDS, "credits that were paid for come from a purchase"
    lot = {
        "kind": kind,
        "amount": book.check_amount(amount),
        "expires_at": expires_at and expires_at.isoformat(),
    }
    return {"p_lots": [lot], "p_actor": actor, "p_reason": description, "p_metadata": dict(metadata or {})}
