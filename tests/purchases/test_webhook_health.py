"""Whether webhooks arrive: counted without content, compared with what was credited, asked of Stripe."""

import json
import re
from datetime import timedelta
from io import StringIO

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.db.models.functions import Now
from django.test import Client
from pytest_django.fixtures import Settings

from accounts.models import User
from checkout.models import Tier
from outbox.models import Message
from purchases import inbox, tasks, webhook_health
from purchases.models import Purchase, StripeEvent, WebhookTally
from purchases.tallies import tally
from tests.conftest import superuser_connection
from tests.purchases.conftest import completed, deliver, event
from tests.sandbox_process import SandboxProcess

HEALTH = "/admin/purchases/stripeevent/webhooks/"


def tallies() -> dict[tuple[str, str], int]:
    rows = WebhookTally.objects.values_list("outcome", "reason", "count")
    return {(outcome, reason): count for outcome, reason, count in rows}


def credited(alice: User, *, count: int, via: str, told: bool) -> None:
    """Purchases of an hour ago, credited by a net, with or without a webhook call."""
    for number in range(count):
        session_id = f"cs_test_{via}{told}{number}"
        Purchase.objects.create(
            owner=alice,
            opened_by_id=alice.pk,
            tier_slug="plus",
            tier_name="Plus",
            credits=200,
            bonus_credits=20,
            price_minor=1800,
            currency="USD",
            request={},
            stripe_session_id=session_id,
            stripe_expires_at=Now(),
            status="credited",
            credited_via=via,
            credited_at=Now() - timedelta(hours=1),
        )
        StripeEvent.objects.create(
            event_id=f"evt_{via}{told}{number}",
            type="checkout.session.completed",
            object_id=session_id,
            livemode=False,
            payload={},
            state="handled",
            delivered_at=Now() if told else None,
        )


def test_each_way_a_call_ends_is_counted(paid: Purchase, stripe: SandboxProcess) -> None:
    stripe.control("faults", endpoint="GET /v1/checkout/sessions/*", kind="status", status=500, count=2)
    deliver(completed(paid))  # waiting
    deliver(completed(paid))  # handled
    deliver(completed(paid))  # known
    deliver(event("invoice.paid", {}))  # not followed
    deliver(completed(paid), secret="whsec_forged")

    assert tallies() == {
        ("waiting", ""): 1,
        ("handled", ""): 1,
        ("passed", ""): 2,
        ("refused", "no webhook secret fits the signature"): 1,
    }


def test_a_flood_of_forged_calls_adds_one_row_and_no_content(paid: Purchase) -> None:
    for number in range(30):
        deliver(f'{{"id": "evt_{number}", "secret": "x{number}"}}'.encode(), secret=f"whsec_{number}")

    assert tallies() == {("refused", "no webhook secret fits the signature"): 30}
    assert not StripeEvent.objects.exists()


def test_a_call_that_is_genuine_but_late_is_told_apart(paid: Purchase) -> None:
    answer = deliver(completed(paid), timestamp=1_500_000_000)

    assert answer.status_code == 400
    (reason,) = [reason for _, reason in tallies()]
    assert "clock is off" in reason


def test_a_call_without_a_signature_is_refused_and_counted(db: None) -> None:
    assert Client().post("/webhooks/stripe/", b"{}", "application/json").status_code == 400
    assert tallies() == {("refused", "no signature"): 1}


@pytest.mark.django_db(transaction=True)
def test_a_tally_that_cannot_be_kept_does_not_change_the_answer(paid: Purchase) -> None:
    with superuser_connection() as superuser:
        role = connection.settings_dict["USER"]
        superuser.execute(f"revoke insert on purchases_webhooktally from {role}")
        try:
            answer = deliver(completed(paid))
        finally:
            superuser.execute(f"grant insert on purchases_webhooktally to {role}")

    assert (answer.status_code, Purchase.objects.get().status) == (200, "credited")
    assert StripeEvent.objects.get().state == "handled"
    assert tallies() == {}


def test_health_where_all_is_well(alice: User, paid: Purchase) -> None:
    deliver(completed(paid, created=int(paid.created_at.timestamp())))

    health = webhook_health.health()
    assert (health.alarms, health.credited, health.credited_by_others, health.untold) == ((), 1, 0, 0)
    assert health.last_good_at is not None
    assert health.last_refused_at is None
    assert health.median_lag_seconds is not None
    assert 0 <= health.median_lag_seconds < 60
    assert health.share_by_others == 0


def test_the_buyer_who_is_faster_than_the_webhook_is_no_alarm(alice: User) -> None:
    credited(alice, count=5, via="return", told=True)

    health = webhook_health.health()
    assert (health.share_by_others, health.untold, health.alarms) == (1, 0, ())


def test_webhooks_that_are_quietly_dead_are_an_alarm(alice: User) -> None:
    credited(alice, count=3, via="sweep", told=False)
    tally(WebhookTally.Outcome.REFUSED, reason="no webhook secret fits the signature")

    assert webhook_health.health().alarms == (
        "3 of 3 credited purchases were told by no webhook"
        " (a call was refused: no webhook secret fits the signature)",
    )


@pytest.mark.parametrize(("untold", "told"), [(2, 0), (3, 4)])
def test_a_few_strays_are_no_alarm(alice: User, untold: int, told: int) -> None:
    credited(alice, count=untold, via="sweep", told=False)
    credited(alice, count=told, via="webhook", told=True)

    assert webhook_health.health().alarms == ()


def test_late_webhooks_and_stuck_events_are_alarms(alice: User) -> None:
    credited(alice, count=1, via="webhook", told=True)
    StripeEvent.objects.update(
        happened_at=Now() - timedelta(minutes=9), state="waiting", received_at=Now() - timedelta(hours=1)
    )

    late, stuck = webhook_health.health().alarms
    assert late == "webhooks come 540 seconds late"
    assert stuck.startswith("an event waits to be handled since 20")


def test_staff_is_told_once_a_day(alice: User, admin: User, stripe: SandboxProcess) -> None:
    credited(alice, count=3, via="sweep", told=False)
    tasks.backfill_events()
    tasks.backfill_events()

    message = Message.objects.get(topic="staff.webhooks")
    assert message.user_id == admin.pk
    assert message.context["path"] == HEALTH


def test_old_counts_are_forgotten(db: None) -> None:
    tally(WebhookTally.Outcome.HANDLED)
    WebhookTally.objects.update(last_at=Now() - timedelta(days=91))
    webhook_health.watch()

    assert not WebhookTally.objects.exists()


@pytest.fixture
def endpoint(stripe: SandboxProcess, settings: Settings) -> SandboxProcess:
    """Stripe sends to an address of ours where nobody listens."""
    settings.PUBLIC_BASE_URL = "http://127.0.0.1:9"
    stripe.control("webhook", url="http://127.0.0.1:9/webhooks/stripe/", enabled_events=["*"])
    return stripe


@pytest.fixture(autouse=True)
def _no_endpoint_afterwards(sandbox_process: SandboxProcess) -> object:
    yield
    sandbox_process.control("webhook", url="", enabled_events=["*"], api_version="2026-10-28.endive")


def test_an_endpoint_as_it_should_be(endpoint: SandboxProcess) -> None:
    health = webhook_health.endpoint_health()

    assert (health.status, health.missing_types, health.problems) == ("enabled", (), ())
    assert health.api_version == health.our_api_version


def test_an_endpoint_that_misses_events_or_speaks_another_version(endpoint: SandboxProcess) -> None:
    wanted = ["checkout.session.completed", "invoice.paid"]
    endpoint.control("webhook", enabled_events=wanted, api_version="2020-08-27")

    health = webhook_health.endpoint_health()
    assert "checkout.session.async_payment_succeeded" in health.missing_types
    assert "checkout.session.completed" not in health.missing_types
    assert health.problems[0] == "It sends events of version 2020-08-27; we speak 2026-10-28.endive"


def test_no_endpoint_at_all(stripe: SandboxProcess) -> None:
    assert (
        "has no endpoint for http://testserver/webhooks/stripe/"
        in webhook_health.endpoint_health().problems[0]
    )


@pytest.mark.parametrize("status", [403, 404, 500])
def test_a_key_that_may_not_see_endpoints_is_no_error(stripe: SandboxProcess, status: int) -> None:
    stripe.control("faults", endpoint="GET /v1/webhook_endpoints", kind="status", status=status)

    assert "does not show its endpoints" in webhook_health.endpoint_health().problems[0]


def test_the_page_shows_it(alice: User, admin_client: Client, plus: Tier, settings: Settings) -> None:
    credited(alice, count=3, via="sweep", told=False)
    settings.STRIPE_API_BASE = "http://127.0.0.1:9"

    page = admin_client.get(HEALTH).content.decode()
    assert "3 of 3 credited purchases were told by no webhook" in page
    assert "Stripe does not show its endpoints" in page


def test_the_command_exits_1_where_something_is_off(alice: User, endpoint: SandboxProcess) -> None:
    out = StringIO()
    call_command("webhook_health", "--json", stdout=out)
    assert json.loads(out.getvalue())["alarms"] == []

    credited(alice, count=3, via="sweep", told=False)
    with pytest.raises(SystemExit, match="1"):
        call_command("webhook_health", stdout=StringIO())


@pytest.mark.parametrize(
    ("change", "guard"),
    [
        ("update purchases_webhooktally set count = 0", "count_positive"),
        ("update purchases_webhooktally set outcome = 'x'", "outcome_known"),
        (
            "insert into purchases_webhooktally (day, outcome, reason, count, last_at)"
            " select day, outcome, reason, count, last_at from purchases_webhooktally",
            "one_row_a_way",
        ),
    ],
)
def test_the_database_refuses(db: None, change: str, guard: str) -> None:
    tally(WebhookTally.Outcome.HANDLED)

    with pytest.raises(IntegrityError, match=guard), transaction.atomic():
        connection.cursor().execute(change)


def test_the_readme_names_the_events_that_are_wanted() -> None:
    section = (settings.BASE_DIR / "README.md").read_text().partition("add a webhook endpoint")[2]
    named = set(re.findall(r"`([a-z]\w+(?:\.\w+)+)`", section.partition("\n3. ")[0]))

    assert inbox.FOLLOWED - inbox.INTENT_EVENTS <= named <= inbox.FOLLOWED
