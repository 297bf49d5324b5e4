"""The outbox: a message exists with what it tells of, and is sent once."""

import json
from datetime import timedelta
from io import StringIO
from unittest import mock

import pytest
from django.core import mail
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.db.models.functions import Now
from pytest_django.fixtures import Settings

from accounts.models import User
from outbox import messages, sending
from outbox.letters import written
from outbox.metrics import outbox_metrics
from outbox.models import Message

CREDITED = {"added": 220, "tier_name": "Plus", "reference": "ABCD1234", "path": "/purchases/x/"}


def post(user: User | None, key: str = "purchase.credited:1") -> bool:
    user_id = user.pk if user else None
    return messages.post(topic="purchase.credited", key=key, user_id=user_id, context=CREDITED)


def test_a_message_is_mailed_once(alice: User) -> None:
    post(alice)

    assert sending.send_due() == sending.Sent(sent=1)
    assert sending.send_due() == sending.Sent()
    (letter,) = mail.outbox
    assert letter.to == ["alice@example.com"]
    assert letter.subject == "220 credits added at Coffer"
    assert "http://testserver/purchases/x/" in letter.body
    ((html, kind),) = letter.alternatives  # type: ignore[attr-defined]
    assert (kind, 'href="http://testserver/purchases/x/"' in html) == ("text/html", True)


def test_the_same_key_is_one_message(alice: User) -> None:
    assert [post(alice), post(alice)] == [True, False]
    assert Message.objects.count() == 1


def test_messages_left_together_are_each_there_once(alice: User) -> None:
    post(alice, "one")
    both = [
        messages.NewMessage(topic="purchase.credited", key=key, user_id=alice.pk, context={"key": key})
        for key in ("one", "two")
    ]

    assert [messages.post_all(*both), messages.post_all(*both)] == [1, 0]
    assert dict(Message.objects.values_list("key", "context")) == {"one": CREDITED, "two": {"key": "two"}}


@pytest.mark.django_db(transaction=True)
def test_a_rolled_back_message_never_was(alice: User) -> None:
    with transaction.atomic():
        post(alice)
        transaction.set_rollback(True)

    assert sending.send_due() == sending.Sent()


def test_a_server_that_is_away_is_tried_again_later(alice: User) -> None:
    post(alice)
    with mock.patch.object(sending, "send_mail", side_effect=ConnectionRefusedError):
        assert sending.send_due() == sending.Sent(waiting=1)
    assert Message.objects.get().state == "waiting"

    Message.objects.update(next_attempt_at=Now() - timedelta(seconds=1))
    assert sending.send_due() == sending.Sent(sent=1)


def test_a_broken_letter_does_not_hold_up_the_others(alice: User) -> None:
    messages.post(topic="purchase.credited", key="broken", user_id=alice.pk, context={"added": "many"})
    post(alice)
    with mock.patch.object(
        sending, "written", side_effect=[ValueError, written("purchase.credited", CREDITED)]
    ):
        counts = sending.send_due()

    assert counts == sending.Sent(sent=1, waiting=1)
    assert Message.objects.get(key="broken").error == "ValueError"


def test_after_many_attempts_it_is_dropped(alice: User) -> None:
    post(alice)
    Message.objects.update(attempts=sending.MOST_ATTEMPTS)
    with mock.patch.object(sending, "send_mail", side_effect=OSError):
        sending.send_due()

    assert (Message.objects.get().state, Message.objects.get().error) == ("dropped", "OSError")


def test_nobody_to_write_to_is_no_dropped_mail(db: None) -> None:
    post(None)
    post(User.objects.create_guest(), "purchase.credited:2")

    assert sending.send_due() == sending.Sent()
    assert set(Message.objects.values_list("state", flat=True)) == {"quiet"}
    assert outbox_metrics().mails_dropped == 0


def test_the_command_counts(alice: User) -> None:
    post(alice)
    out = StringIO()
    call_command("send_outbox", "--json", stdout=out)

    assert json.loads(out.getvalue()) == {
        "sent": 1,
        "dropped": 0,
        "waiting": 0,
        "webhooks": {"delivered": 0, "dropped": 0, "waiting": 0},
    }


@pytest.mark.parametrize(
    ("change", "guard"),
    [
        ("state = 'lost'", "state_known"),
        ("state = 'sent'", "sent_at_iff_sent"),
        ("sent_at = now()", "sent_at_iff_sent"),
    ],
)
def test_the_database_refuses(alice: User, change: str, guard: str) -> None:
    post(alice)

    with pytest.raises(IntegrityError, match=guard), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"update outbox_message set {change}")


def test_letters_on_the_console_stay_out_of_the_answer(
    alice: User, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
    post(alice)
    call_command("send_outbox", "--json")

    out, letters = capsys.readouterr()
    assert json.loads(out)["sent"] == 1
    assert "220 credits" in letters
