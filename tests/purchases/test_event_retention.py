"""How long Stripe's events are kept: until nothing asks for them, and then some."""

import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import transaction
from django.db.models.functions import Now
from pytest_django.fixtures import Settings

from purchases import cleaning
from purchases.fulfilment import settle
from purchases.locks import old_events
from purchases.models import Purchase, StripeEvent
from tests.together import together

pytestmark = pytest.mark.django_db(transaction=True)


def stored(number: int = 1, *, days: int = 401, **fields: Any) -> StripeEvent:
    """An event that was handled so many days ago."""
    defaults = {
        "type": "checkout.session.completed",
        "object_id": "cs_test_a",
        "livemode": False,
        "payload": {},
        "state": "handled",
        "handled_at": Now() - timedelta(days=days),
    }
    return StripeEvent.objects.create(event_id=f"evt_{number}", **{**defaults, **fields})


def test_events_go_after_their_time() -> None:
    stored(1, days=399)
    stored(2, days=401)
    stored(3, days=401, state="ignored")

    assert cleaning.delete_old_events() == 2
    assert StripeEvent.objects.get().event_id == "evt_1"


def test_the_time_is_a_setting(settings: Settings) -> None:
    settings.PURCHASES_EVENT_RETENTION_DAYS = 31
    stored(1, days=32)

    assert cleaning.delete_old_events() == 1


@pytest.mark.parametrize(
    "fields",
    [
        {"state": "waiting", "handled_at": None},
        {"type": "charge.dispute.funds_withdrawn", "object_id": "dp_1"},
    ],
)
def test_what_waits_or_proves_a_dispute_stays(fields: dict[str, Any]) -> None:
    stored(1, **fields)

    assert cleaning.delete_old_events() == 0


def test_events_of_a_purchase_stay_until_it_has_ended(paid: Purchase) -> None:
    stored(1, object_id=paid.stripe_session_id)
    assert cleaning.delete_old_events() == 0

    settle(paid.stripe_session_id or "", via=Purchase.Via.COMMAND)
    assert cleaning.delete_old_events() == 1


def test_they_go_in_batches_and_a_dry_run_only_counts() -> None:
    for number in range(5):
        stored(number)
    out = StringIO()
    call_command("clean_purchases", "--dry-run", "--json", stdout=out)

    assert json.loads(out.getvalue()) == {"purchases": 0, "events": 5}
    assert cleaning.delete_old_events(limit=2) == 5


def test_what_another_pass_holds_is_passed_by() -> None:
    for number in range(4):
        stored(number)
    with transaction.atomic():
        held = old_events(older_than=timedelta(days=400), limit=2, after=0)
        (deleted,) = together(cleaning.delete_old_events)

        assert (len(held), deleted) == (2, 2)
