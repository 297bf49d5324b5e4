"""Writing a message: inside the caller's transaction, so that it exists if and only if what it tells of does."""

import json
from typing import Any

from django.db import connection

from outbox.models import Message


def post(
    *, topic: str, key: str, user_id: int | None, context: dict[str, Any], fallback_address: str = ""
) -> bool:
    """Leave a message for `user_id`; `key` makes it unique for ever. Return False where it was there already.

    `topic` names the templates `emails/TOPIC.subject.txt` and `emails/TOPIC.txt`; `context` is JSON and carries
    no secret. `fallback_address` is written to while the user has no address of their own.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "insert into outbox_message (topic, key, user_id, context, fallback_address)"
            " values (%s, %s, %s, %s::jsonb, %s) on conflict (key) do nothing",
            [topic, key, user_id, json.dumps(context), fallback_address],
        )
        return bool(cursor.rowcount == 1)


def hand_over(*, guest_id: int, user_id: int) -> int:
    """Address to a user what still waits for the guest whom they claimed, and return how many that were."""
    waiting = Message.objects.filter(user_id=guest_id, state=Message.State.WAITING)
    return waiting.update(user_id=user_id)
