"""Outgoing webhooks: claims deliveries that are due, posts each outside any transaction, writes down how it went.

A receiver may get a delivery twice and must go by `webhook-id`, which stays the same.
"""

import json
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog
from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now
from requests import RequestException

from outbox import signing, targets
from outbox.locks import due_deliveries
from outbox.models import Delivery, Endpoint

log = structlog.get_logger(__name__)

BATCH = 40
AT_ONCE = 8
# Three days and four hours in all, after which an operator is told.
RETRY_AFTER = tuple(
    timedelta(minutes=minutes) for minutes in (0.5, 2, 10, 30, 60, 180, 360, 720, 1440, 1440, 360)
)
GONE = 410  # the receiver wants no more of it (Standard Webhooks)


@dataclass(kw_only=True)
class Delivered:
    """How one pass went."""

    delivered: int = 0
    dropped: int = 0
    waiting: int = 0


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What an endpoint said. `status_code` is None where it said nothing; `error` is empty where all is well."""

    status_code: int | None
    error: str


def deliver_due() -> Delivered:
    """Post every delivery that is due, once. An endpoint that does not answer is left alone until the next pass."""
    counts = Delivered()
    silent: set[int] = set()
    while batch := _claim(silent):
        with ThreadPoolExecutor(AT_ONCE) as pool:
            answers = list(pool.map(_post, batch))
        for delivery, answer in zip(batch, answers, strict=True):
            _note(delivery, answer, counts)
            if answer.error:
                silent.add(delivery.endpoint_id)
    return counts


def replay(deliveries: QuerySet[Delivery]) -> int:
    """Have deliveries made again from the start, whatever became of them. Return how many."""
    return deliveries.update(
        state=Delivery.State.WAITING,
        attempts=0,
        error="",
        status_code=None,
        delivered_at=None,
        next_attempt_at=Now(),
    )


def _claim(silent: Iterable[int]) -> list[Delivery]:
    """Take a batch and move its next attempt forward: a second sender meanwhile finds other work."""
    with transaction.atomic():
        batch = due_deliveries(limit=BATCH, except_endpoints=silent)
        for delivery in batch:
            wait = RETRY_AFTER[min(delivery.attempts, len(RETRY_AFTER) - 1)]
            delivery.attempts += 1
            Delivery.objects.filter(pk=delivery.pk).update(
                attempts=delivery.attempts, next_attempt_at=Now() + wait
            )
    return batch


def _post(delivery: Delivery) -> Answer:
    """Runs in a thread: no database here."""
    message, now = delivery.message, datetime.now(tz=UTC)
    message_id = f"msg_{message.uuid.hex}"
    body = json.dumps(
        {"type": message.topic, "timestamp": message.created_at, "data": message.context},
        cls=DjangoJSONEncoder,
        separators=(",", ":"),
    )
    headers = {
        "content-type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": signing.signatures(delivery.endpoint, message_id=message_id, body=body, now=now),
    }
    try:
        response = targets.outside().send_request(
            "POST",
            delivery.endpoint.url,
            data=body.encode(),
            headers=headers,
            allow_redirects=False,
            stream=True,
        )
    except (RequestException, OSError, ValueError) as error:
        return Answer(status_code=None, error=type(error).__name__)
    with response:  # the body is not read: what it says is the receiver's business, however long it is
        is_fine = 200 <= response.status_code < 300
        return Answer(
            status_code=response.status_code, error="" if is_fine else f"answered {response.status_code}"
        )


def _note(delivery: Delivery, answer: Answer, counts: Delivered) -> None:
    ids = {"delivery": delivery.pk, "endpoint": str(delivery.endpoint.uuid), "topic": delivery.message.topic}
    if not answer.error:
        _finish(delivery, Delivery.State.DELIVERED, answer, delivered_at=Now())
        counts.delivered += 1
        log.info("webhook_delivered", **ids)
    elif answer.status_code == GONE or delivery.attempts > len(RETRY_AFTER):
        _finish(delivery, Delivery.State.DROPPED, answer)
        counts.dropped += 1
        log.error("webhook_dropped", error=answer.error, **ids)
        if answer.status_code == GONE:
            Endpoint.objects.filter(pk=delivery.endpoint_id).update(is_active=False)
    else:
        _finish(delivery, Delivery.State.WAITING, answer)
        counts.waiting += 1
        log.warning("webhook_not_delivered", error=answer.error, attempts=delivery.attempts, **ids)


def _finish(delivery: Delivery, state: Delivery.State, answer: Answer, **fields: object) -> None:
    Delivery.objects.filter(pk=delivery.pk).update(
        state=state, status_code=answer.status_code, error=answer.error, **fields
    )
