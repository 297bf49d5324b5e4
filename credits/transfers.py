"""Everything of one account becomes another's: a guest becomes a user."""

from collections.abc import Mapping
from typing import Any

from credits import book
from credits.book import Posting
from credits.people import Person


def transfer(
    *,
    source: Person,
    target: Person,
    scope: str,
    key: str,
    reason: str = "",
    metadata: Mapping[str, Any] | None = None,
    actor: str = "",
) -> Posting | None:
    """Move all credits and debt of `source` to `target`, and merge its account into theirs for ever.

    Paid credits then repay the target's debt, wherever either came from. Open holds stay where they are; what they let
    go of follows by itself, and repays whatever its kind. Returns what `target` got, or None where `source` never had
    an account. Raises AccountMerged (one of them went elsewhere before), KeyReused.
    """
    return book.try_to_post(
        "transfer",
        scope=scope,
        key=key,
        p_from_user_id=source.pk,
        p_to_user_id=target.pk,
        p_reason=reason,
        p_metadata=dict(metadata or {}),
        p_actor=actor,
    )
