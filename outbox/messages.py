"""Writing a message: inside the caller's transaction, so that it exists if and only if what it tells of does."""

import json
from typing import Any

from django.db import connection


def post(*, topic: str, key: str, user_id: int | None, context: dict[str, Any]) -> bool:
    """Leave a message for `user_id`; `key` makes it unique for ever. Return False where it was there already.

    `topic` names the templates `emails/TOPIC.subject.txt` and `emails/TOPIC.txt`; `context` is JSON and carries
    no secret.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "insert into outbox_message (topic, key, user_id, context) values (%s, %s, %s, %s::jsonb)"
            " on conflict (key) do nothing",
            [topic, key, user_id, json.dumps(context)],
        )
        return bool(cursor.rowcount == 1)
