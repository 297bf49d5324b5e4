"""Outgoing webhooks: told with the fact, signed, tried again for three days, never to a private address."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models.functions import Now
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from accounts.models import User
from credits import deposits
from outbox import delivering, messages, retention, sending, signing, targets
from outbox.delivering import Delivered
from outbox.models import Delivery, Endpoint, Message
from tests.together import together

LOW = {"account": "0b2f", "available": 3, "threshold": 5}


class Receiver:
    """Another back end: keeps what it is told and answers what it is set to."""

    def __init__(self) -> None:
        self.calls: list[tuple[dict[str, str], str]] = []
        self.status = 200
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                receiver.calls.append(({k.lower(): v for k, v in self.headers.items()}, body))
                self.send_response(receiver.status)
                self.send_header("Location", "http://169.254.169.254/")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hooks"
        Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def receiver(settings: Settings) -> Iterator[Receiver]:
    settings.WEBHOOKS_TO_PRIVATE_ADDRESSES = True
    receiver = Receiver()
    yield receiver
    receiver.server.shutdown()
    receiver.server.server_close()


@pytest.fixture
def endpoint(receiver: Receiver, db: None) -> Endpoint:
    return Endpoint.objects.create(url=receiver.url, topics=["credits.low", "credits.granted"])


def post(key: str = "credits.low:1", topic: str = "credits.low") -> None:
    messages.post(topic=topic, key=key, user_id=None, context=LOW)


def make_due() -> None:
    Delivery.objects.update(next_attempt_at=Now() - timedelta(seconds=1))


def test_a_subscribed_topic_is_delivered_once_and_verifies(endpoint: Endpoint, receiver: Receiver) -> None:
    post()

    assert delivering.deliver_due() == Delivered(delivered=1)
    assert delivering.deliver_due() == Delivered()
    ((headers, body),) = receiver.calls
    assert Webhook(signing.secret_of(endpoint)).verify(body, headers)["data"] == LOW
    message = Message.objects.get()
    assert headers["webhook-id"] == f"msg_{message.uuid.hex}"
    assert json.loads(body)["type"] == "credits.low"
    assert datetime.fromisoformat(json.loads(body)["timestamp"]) <= datetime.now(tz=UTC)


def test_other_topics_and_switched_off_endpoints_are_not_told(endpoint: Endpoint, receiver: Receiver) -> None:
    post(topic="credits.spent")
    Endpoint.objects.update(is_active=False)
    post()

    assert delivering.deliver_due() == Delivered()
    assert (Delivery.objects.count(), receiver.calls) == (0, [])


def test_a_topic_without_an_e_mail_is_not_mailed(alice: User) -> None:
    messages.post(topic="credits.granted", key="g:1", user_id=alice.pk, context={})

    assert sending.send_due() == sending.Sent()
    assert Message.objects.get().state == "quiet"


def test_a_low_balance_of_a_guest_is_told_by_webhook_alone(endpoint: Endpoint, receiver: Receiver) -> None:
    guest = User.objects.create_guest()
    messages.post(topic="credits.low", key="low:1", user_id=guest.pk, context=LOW)

    assert sending.send_due() == sending.Sent()
    assert Message.objects.get().state == "quiet"
    assert delivering.deliver_due() == Delivered(delivered=1)


@pytest.mark.django_db(transaction=True)
def test_a_rolled_back_fact_is_never_told(endpoint: Endpoint) -> None:
    with transaction.atomic():
        post()
        transaction.set_rollback(True)

    assert not Delivery.objects.exists()


def test_it_is_tried_again_with_the_same_id(endpoint: Endpoint, receiver: Receiver) -> None:
    receiver.status = 500
    post()
    assert delivering.deliver_due() == Delivered(waiting=1)
    assert delivering.deliver_due() == Delivered()  # not due yet
    receiver.status = 204
    make_due()

    assert delivering.deliver_due() == Delivered(delivered=1)
    assert len({headers["webhook-id"] for headers, _ in receiver.calls}) == 1
    assert Delivery.objects.get().attempts == 2


def test_retries_last_three_days() -> None:
    assert sum(delivering.RETRY_AFTER, timedelta()) >= timedelta(days=3)


def test_after_the_last_attempt_it_is_dropped_and_can_be_replayed(
    endpoint: Endpoint, receiver: Receiver
) -> None:
    receiver.status = 503
    post()
    Delivery.objects.update(attempts=len(delivering.RETRY_AFTER))
    assert delivering.deliver_due() == Delivered(dropped=1)
    receiver.status = 200

    assert delivering.replay(Delivery.objects.all()) == 1
    assert delivering.deliver_due() == Delivered(delivered=1)


def test_gone_switches_the_endpoint_off(endpoint: Endpoint, receiver: Receiver) -> None:
    receiver.status = 410
    post()

    assert delivering.deliver_due() == Delivered(dropped=1)
    endpoint.refresh_from_db()
    assert not endpoint.is_active


def test_a_redirect_is_not_followed(endpoint: Endpoint, receiver: Receiver) -> None:
    receiver.status = 302
    post()

    assert delivering.deliver_due() == Delivered(waiting=1)
    assert len(receiver.calls) == 1
    assert Delivery.objects.get().error == "answered 302"


def test_a_dead_endpoint_does_not_hold_up_another(endpoint: Endpoint, receiver: Receiver) -> None:
    dead = Endpoint.objects.create(url="http://127.0.0.1:9/", topics=["credits.low"])
    for number in range(3):
        post(key=f"credits.low:{number}")

    counts = delivering.deliver_due()

    assert counts.delivered == 3
    assert len(receiver.calls) == 3
    assert set(Delivery.objects.filter(endpoint=dead).values_list("state", flat=True)) == {"waiting"}


@pytest.mark.django_db(transaction=True)
def test_two_senders_deliver_once(endpoint: Endpoint, receiver: Receiver) -> None:
    for number in range(20):
        post(key=f"credits.low:{number}")

    together(delivering.deliver_due, delivering.deliver_due)

    assert sorted(headers["webhook-id"] for headers, _ in receiver.calls) == sorted(
        f"msg_{uuid.hex}" for uuid in Message.objects.values_list("uuid", flat=True)
    )


def test_both_secrets_sign_while_one_is_rotated_out(endpoint: Endpoint, receiver: Receiver) -> None:
    old = signing.secret_of(endpoint)
    signing.rotate(endpoint)
    new = signing.secret_of(endpoint)
    post()
    delivering.deliver_due()
    ((headers, body),) = receiver.calls

    assert old != new
    for secret in (old, new):
        assert Webhook(secret).verify(body, headers)["type"] == "credits.low"

    Endpoint.objects.update(old_secret_until=Now() - timedelta(seconds=1))
    post(key="credits.low:2")
    delivering.deliver_due()
    headers, body = receiver.calls[1]
    with pytest.raises(WebhookVerificationError):
        Webhook(old).verify(body, headers)


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/",
        "https://10.1.2.3/",
        "https://169.254.169.254/latest/meta-data/",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://0.0.0.0/",
        "https://100.64.0.1/",
        "https://localhost/",
    ],
)
def test_a_private_target_is_refused(url: str, settings: Settings, db: None) -> None:
    settings.WEBHOOKS_TO_PRIVATE_ADDRESSES = False
    Endpoint.objects.create(url=url, topics=["credits.low"])
    post()

    assert delivering.deliver_due() == Delivered(waiting=1)
    assert Delivery.objects.get().error == "InvalidIPAddress"
    assert not targets.is_public(url)


def test_the_ledger_tells_in_its_own_transaction(endpoint: Endpoint, alice: User) -> None:
    """Whoever inserts a message, its deliveries stand beside it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "insert into outbox_message (topic, key, user_id) values ('credits.granted', 'sql:1', %s)",
            [alice.pk],
        )

    assert Delivery.objects.get().endpoint == endpoint


def test_what_is_done_with_and_old_is_forgotten(endpoint: Endpoint, settings: Settings) -> None:
    for number in range(3):
        post(key=f"credits.low:{number}")
    sending.send_due()
    Delivery.objects.exclude(message__key="credits.low:1").update(state="delivered", delivered_at=Now())
    Message.objects.exclude(key="credits.low:2").update(created_at=Now() - timedelta(days=91))

    assert retention.forget_old() == 1
    assert set(Message.objects.values_list("key", flat=True)) == {"credits.low:1", "credits.low:2"}


def test_what_waits_for_an_endpoint_that_is_off_is_forgotten_too(endpoint: Endpoint) -> None:
    post()
    sending.send_due()
    Message.objects.update(created_at=Now() - timedelta(days=91))
    assert retention.forget_old() == 0

    Endpoint.objects.update(is_active=False)
    assert retention.forget_old() == 1
    assert not Delivery.objects.exists()


@pytest.mark.parametrize(
    ("table", "change", "guard"),
    [
        ("outbox_endpoint", "topics = array['accounts.claim']", "topics_known"),
        ("outbox_endpoint", "topics = '{}'", "topics_known"),
        ("outbox_endpoint", "secret_generation = 0", "secret_generation_positive"),
        ("outbox_delivery", "state = 'lost'", "state_known"),
        ("outbox_delivery", "state = 'delivered'", "delivered_at_iff_delivered"),
    ],
)
def test_the_database_refuses(endpoint: Endpoint, table: str, change: str, guard: str) -> None:
    post()

    with pytest.raises(IntegrityError, match=guard), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"update {table} set {change}")


def test_the_database_refuses_a_second_delivery(endpoint: Endpoint) -> None:
    post()
    with pytest.raises(IntegrityError, match="once_per_endpoint"), transaction.atomic():
        Delivery.objects.create(message=Message.objects.get(), endpoint=endpoint)


class TestAdmin:
    @pytest.fixture
    def operator(self, db: None) -> Client:
        client = Client()
        user = User.objects.create_superuser("root@example.com", "root-password")
        client.force_login(user, backend="accounts.backends.PasswordBackend")
        return client

    def test_an_endpoint_is_made_and_shows_its_secret(self, operator: Client, settings: Settings) -> None:
        settings.WEBHOOKS_TO_PRIVATE_ADDRESSES = True
        operator.post(
            reverse("admin:outbox_endpoint_add"),
            {"url": "https://example.org/hooks", "topics": ["credits.low"], "is_active": "on"},
        )
        endpoint = Endpoint.objects.get()
        page = operator.get(reverse("admin:outbox_endpoint_change", args=[endpoint.pk]))

        assert signing.secret_of(endpoint) in page.content.decode()

    @pytest.mark.parametrize("url", ["https://10.0.0.1/", "http://93.184.216.34/"])
    def test_a_private_or_plain_address_is_refused(
        self, operator: Client, settings: Settings, url: str
    ) -> None:
        settings.WEBHOOKS_TO_PRIVATE_ADDRESSES = False
        answer = operator.post(
            reverse("admin:outbox_endpoint_add"), {"url": url, "topics": ["credits.low"], "is_active": "on"}
        )

        assert answer.status_code == 200
        assert not Endpoint.objects.exists()

    @pytest.mark.parametrize("private", [True, False])
    @pytest.mark.parametrize(
        "url", ["https://[::1", "https://example.org:99999/", "https://example.org:0/", "https://"]
    )
    def test_what_is_no_address_is_refused(
        self, operator: Client, settings: Settings, url: str, private: bool
    ) -> None:
        settings.WEBHOOKS_TO_PRIVATE_ADDRESSES = private
        answer = operator.post(
            reverse("admin:outbox_endpoint_add"), {"url": url, "topics": ["credits.low"], "is_active": "on"}
        )

        assert answer.context["adminform"].form.errors == {"url": ["Enter a valid URL."]}
        assert not Endpoint.objects.exists()

    def test_rotating_and_replaying(self, operator: Client, endpoint: Endpoint, receiver: Receiver) -> None:
        post()
        delivering.deliver_due()
        operator.post(
            reverse("admin:outbox_delivery_changelist"),
            {"action": "deliver_again", "_selected_action": [Delivery.objects.get().pk]},
        )
        operator.post(
            reverse("admin:outbox_endpoint_changelist"),
            {"action": "rotate_secret", "_selected_action": [endpoint.pk]},
        )
        delivering.deliver_due()

        endpoint.refresh_from_db()
        assert (len(receiver.calls), endpoint.secret_generation) == (2, 2)

    def test_staff_without_the_permission_may_not_replay(self, endpoint: Endpoint, db: None) -> None:
        client = Client()
        staff = User.objects.create_user("staff@example.com", "staff-password", is_staff=True)
        client.force_login(staff, backend="accounts.backends.PasswordBackend")

        assert client.get(reverse("admin:outbox_delivery_changelist")).status_code == 403
        assert client.get(reverse("admin:outbox_endpoint_changelist")).status_code == 403


def test_a_grant_is_still_a_grant(endpoint: Endpoint, alice: User) -> None:
    """The trigger runs inside the ledger's verbs too and must never be in their way."""
    lot = deposits.NewLot(kind="promo", amount=5)
    assert deposits.grant(user=alice, lots=[lot], scope="test", key="g:1").balance == 5
