"""Writing a message: inside the caller's transaction, so that it exists if and only if what it tells of does."""

import json
from dataclasses import dataclass
from typing import Any

from django.db import connection

from outbox.models import Message


@dataclass(frozen=True, kw_only=True)
class NewMessage:
    """What is left for `user_id`; `key` makes it unique for ever.

    `topic` names the templates `emails/TOPIC.subject.txt` and `emails/TOPIC.txt`; `context` is JSON and carries
    no secret. `fallback_address` is written to while the user has no address of their own.
    """

    topic: str
    key: str
    user_id: int | None
    context: dict[str, Any]
    fallback_address: str = ""


def post(
    *, topic: str, key: str, user_id: int | None, context: dict[str, Any], fallback_address: str = ""
) -> bool:
    """Leave one message, as NewMessage has it. Return False where it was there already."""
    message = NewMessage(
        topic=topic, key=key, user_id=user_id, context=context, fallback_address=fallback_address
    )
    return post_all(message) == 1


def post_all(*messages: NewMessage) -> int:
    """Leave messages in one round trip and return how many were not there already."""
    values = [
        (one.topic, one.key, one.user_id, json.dumps(one.context), one.fallback_address) for one in messages
    ]
    rows = ", ".join(["(%s, %s, %s, %s::jsonb, %s)"] * len(values))
    with connection.cursor() as cursor:
        cursor.execute(
            f"insert into outbox_message (topic, key, user_id, context, fallback_address) values {rows}"  # noqa: S608  places only
            " on conflict (key) do nothing",
            [value for row in values for value in row],
        )
        return int(cursor.rowcount)


def hand_over(*, guest_id: int, user_id: int) -> int:
    """Address to a user what still waits for the guest whom they claimed, and return how many that were."""
    waiting = Message.objects.filter(user_id=guest_id, state=Message.State.WAITING)
    return waiting.update(user_id=user_id)
