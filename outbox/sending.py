"""E-mails: claims messages that are due, sends each outside any transaction, writes down how it went."""

from dataclasses import dataclass
from datetime import timedelta
from smtplib import SMTPException

import structlog
from django.core.mail import send_mail
from django.db import transaction
from django.db.models.functions import Now

from outbox.errors import LetterOutdated
from outbox.letters import has_letter, written
from outbox.locks import due_messages
from outbox.models import Message

log = structlog.get_logger(__name__)

BATCH = 100
RETRY_AFTER = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=2))
MOST_ATTEMPTS = 30  # two and a half days at two hours


@dataclass(kw_only=True)
class Sent:
    """How one pass went."""

    sent: int = 0
    dropped: int = 0
    waiting: int = 0


def send_due() -> Sent:
    """Send every message that is due, once. One that cannot be sent is tried again later; the others go on."""
    counts = Sent()
    while batch := _claim():
        for message in batch:
            _send(message, counts)
    return counts


def _claim() -> list[Message]:
    """Take a batch and move its next attempt forward: a second sender meanwhile finds other work."""
    with transaction.atomic():
        batch = due_messages(limit=BATCH)
        for message in batch:
            wait = RETRY_AFTER[min(message.attempts, len(RETRY_AFTER) - 1)]
            message.attempts += 1
            Message.objects.filter(pk=message.pk).update(
                attempts=message.attempts, next_attempt_at=Now() + wait
            )
    return batch


def _send(message: Message, counts: Sent) -> None:
    address = (message.user and message.user.email) or message.fallback_address
    if not address or not has_letter(message.topic):
        _finish(message, Message.State.QUIET)
        return
    try:
        letter = written(message.topic, message.context, language=_language(message))
        send_mail(letter.subject, letter.text, None, [address], html_message=letter.html)
    except LetterOutdated:
        _finish(message, Message.State.QUIET)
        log.info("message_outdated", message=message.pk, topic=message.topic)
    except (OSError, SMTPException) as error:
        counts.waiting += 1
        _postpone(message, error)
    except Exception as error:  # a template or an address that is broken must not hold up the others
        log.exception("message_broken", message=message.pk, topic=message.topic)
        counts.waiting += 1
        _postpone(message, error)
    else:
        _finish(message, Message.State.SENT, sent_at=Now())
        counts.sent += 1
        log.info("message_sent", message=message.pk, topic=message.topic)


def _language(message: Message) -> str:
    """The reader's own, else that of whoever caused the message."""
    return getattr(message.user, "language", "") or message.context.get("language", "")


def _postpone(message: Message, error: Exception) -> None:
    log.warning("message_not_sent", message=message.pk, topic=message.topic, error=type(error).__name__)
    if message.attempts >= MOST_ATTEMPTS:
        _finish(message, Message.State.DROPPED, error=type(error).__name__)
    else:
        Message.objects.filter(pk=message.pk).update(error=type(error).__name__)


def _finish(message: Message, state: str, **fields: object) -> None:
    Message.objects.filter(pk=message.pk).update(state=state, **fields)
