"""The address that Stripe calls: 200, 400 or 500, never a redirect, and the event is kept before it is handled."""

import json
from typing import Any
from unittest import mock

import pytest
from django.db import connection
from django.test import Client
from pytest_django.fixtures import Settings

from accounts.models import User
from credits.balances import balance_of
from credits.models import Entry
from purchases import inbox
from purchases.models import Purchase, StripeEvent
from tests.environment import WEBHOOK_SECRET
from tests.purchases.conftest import completed, deliver, event
from tests.sandbox_process import SandboxProcess


def test_a_completed_session_is_credited(alice: User, paid: Purchase) -> None:
    assert deliver(completed(paid)).status_code == 200

    assert balance_of(alice).available == 220
    assert StripeEvent.objects.get().state == "handled"
    assert Purchase.objects.get().credited_via == "webhook"


def test_the_same_event_twenty_times_is_one_credit(alice: User, paid: Purchase) -> None:
    assert {deliver(completed(paid)).status_code for _ in range(20)} == {200}

    assert balance_of(alice).available == 220
    assert StripeEvent.objects.count() == 1


def test_two_events_for_one_session_are_one_credit(alice: User, paid: Purchase) -> None:
    deliver(completed(paid, id="evt_1"))
    deliver(completed(paid, id="evt_2"))

    assert balance_of(alice).available == 220
    assert Entry.objects.count() == 2


def test_a_payment_intent_event_is_a_signal_for_its_session(
    alice: User, paid: Purchase, stripe: SandboxProcess
) -> None:
    intent = next(e for e in _events(stripe) if e["type"] == "payment_intent.succeeded")["data"]["object"]
    intent["metadata"] = {}

    assert deliver(event("payment_intent.succeeded", intent)).status_code == 200
    assert balance_of(alice).available == 220


def test_expired_after_paid_lets_the_truth_win(alice: User, paid: Purchase) -> None:
    deliver(event("checkout.session.expired", {"id": paid.stripe_session_id}))

    assert balance_of(alice).available == 220


def test_what_nobody_expected_is_noted_at_the_event_and_does_not_hold_it_up(
    alice: User, paid: Purchase, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(inbox, "settle", mock.Mock(side_effect=KeyError("amount\nDETAIL: a row")))
        assert deliver(completed(paid)).status_code == 500

    kept = StripeEvent.objects.get()
    assert (kept.state, kept.attempts, kept.error) == ("waiting", 1, "KeyError: 'amount\\nDETAIL: a row'")
    assert kept.next_attempt_at is not None
    assert deliver(completed(paid)).status_code == 200
    assert balance_of(alice).available == 220


def test_an_event_that_cannot_be_handled_is_kept_and_asked_for_again(
    alice: User, paid: Purchase, stripe: SandboxProcess
) -> None:
    stripe.control("faults", endpoint="GET /v1/checkout/sessions/*", kind="status", status=503, count=2)

    assert deliver(completed(paid)).status_code == 500
    assert StripeEvent.objects.get().state == "waiting"
    assert deliver(completed(paid)).status_code == 200
    assert balance_of(alice).available == 220


def test_an_event_whose_handler_died_is_handled_by_the_sweep(alice: User, paid: Purchase) -> None:
    stored = inbox.store(completed(paid))
    assert stored is not None

    assert inbox.retry_due() == {"handled": 1, "waiting": 0}
    assert balance_of(alice).available == 220


def test_a_session_that_is_not_ours_is_ignored(stripe: SandboxProcess, db: None) -> None:
    answer = deliver(event("checkout.session.completed", {"id": "cs_test_of_somebody_else"}))

    assert answer.status_code == 200
    assert StripeEvent.objects.get().state == "ignored"


@pytest.mark.parametrize("kind", ["customer.created", "nobody.knows.this"])
def test_an_unknown_kind_is_answered_and_not_kept(db: None, kind: str) -> None:
    assert deliver(event(kind, {"id": "x"})).status_code == 200
    assert StripeEvent.objects.count() == 0


@pytest.mark.parametrize("path", ["/webhooks/stripe/", "/webhooks/stripe"])
def test_it_never_redirects(db: None, settings: Settings, path: str) -> None:
    settings.SECURE_SSL_REDIRECT = True

    assert Client().post(path, b"{}", "application/json").status_code == 400
    assert Client().get(path).status_code == 405


FORGED = {
    "no signature": {},
    "an empty one": {"Stripe-Signature": ""},
    "nonsense": {"Stripe-Signature": "t=x,v1=y"},
    "not ascii": {"Stripe-Signature": "t=1,v1=é"},
    "a number too large": {"Stripe-Signature": "t=" + "9" * 400 + ",v1=ab"},
}


@pytest.mark.parametrize("headers", FORGED.values(), ids=FORGED.keys())
def test_a_forged_call_is_refused_and_not_kept(db: None, headers: dict[str, str]) -> None:
    body = json.dumps(event("checkout.session.completed", {"id": "cs_test_x"}))
    browser = Client(raise_request_exception=False)

    answer = browser.post("/webhooks/stripe/", body, "application/json", headers=headers)
    assert answer.status_code == 400
    assert StripeEvent.objects.count() == 0


def test_a_wrong_secret_or_a_stale_signature_is_refused(paid: Purchase) -> None:
    assert deliver(completed(paid), secret="whsec_wrong").status_code == 400
    assert deliver(completed(paid), timestamp=1_700_000_000).status_code == 400
    assert StripeEvent.objects.count() == 0


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"null", b"{", b'"text"', b"{}", b'{"id": 5, "type": "x"}', b"[" * 100_000],
    ids=["empty", "list", "null", "torn", "text", "no-event", "id-is-a-number", "deep"],
)
def test_signed_nonsense_is_refused(db: None, body: bytes) -> None:
    assert deliver(body).status_code == 400


UNSTORABLE = {
    "a NUL": '"\\u0000"',
    "half a surrogate pair": '"\\ud800"',
    "a key with a NUL": '{"\\u0000": 1}',
    "NaN": "NaN",
    "infinity": "Infinity",
    "a number too large": "1e400",
}


@pytest.mark.parametrize("value", UNSTORABLE.values(), ids=UNSTORABLE.keys())
def test_a_signed_event_that_no_database_can_hold_is_cleaned_and_handled(
    alice: User, paid: Purchase, value: str
) -> None:
    body = json.dumps(completed(paid, note="VALUE"))

    assert deliver(body.replace('"VALUE"', value).encode()).status_code == 200
    assert balance_of(alice).available == 220


@pytest.mark.parametrize("levels", [51, 100, 900])
def test_a_signed_event_deeper_than_any_of_stripes_is_refused(db: None, levels: int) -> None:
    body = json.dumps(event("checkout.session.completed", {"id": "cs_test_x"}, note="VALUE"))

    assert deliver(body.replace('"VALUE"', "[" * levels + "]" * levels).encode()).status_code == 400
    assert StripeEvent.objects.count() == 0


@pytest.mark.parametrize("name", ["", "e" * 256, 5, None])
def test_a_signed_event_without_a_sensible_id_is_refused(db: None, name: object) -> None:
    assert deliver(event("checkout.session.completed", {"id": "cs_test_x"}, id=name)).status_code == 400


@pytest.mark.parametrize("names", [["x"], 5, {"x": 1}, None, "no uuid"])
def test_metadata_may_name_anything(stripe: SandboxProcess, db: None, names: object) -> None:
    intent = {"id": "pi_of_nobody", "metadata": {"purchase": names}}

    assert deliver(event("payment_intent.succeeded", intent)).status_code == 200


def test_a_body_that_is_not_utf8_is_refused(db: None) -> None:
    headers = {"Stripe-Signature": "t=1,v1=ab"}
    assert (
        Client().post("/webhooks/stripe/", b"\xff\xfe", "application/json", headers=headers).status_code
        == 400
    )


def test_five_megabytes_are_refused(paid: Purchase) -> None:
    assert deliver(json.dumps(completed(paid)).encode() + b" " * 5_000_000).status_code == 400
    assert StripeEvent.objects.count() == 0


def test_a_thin_event_is_ignored(db: None) -> None:
    thin = {"id": "evt_1", "object": "v2.core.event", "type": "v1.billing.meter.error_report_triggered"}

    assert deliver({**thin, "livemode": False}).status_code == 200
    assert StripeEvent.objects.count() == 0


def test_both_secrets_work_during_rotation(paid: Purchase, settings: Settings) -> None:
    settings.STRIPE_WEBHOOK_SECRETS = ["whsec_new", WEBHOOK_SECRET]

    assert deliver(completed(paid, id="evt_1"), secret="whsec_new").status_code == 200
    assert deliver(completed(paid, id="evt_2")).status_code == 200


def test_a_live_event_on_a_test_site_is_refused_and_alerted(paid: Purchase) -> None:
    with mock.patch.object(inbox, "log") as log:
        assert deliver(completed(paid, livemode=True)).status_code == 400

    assert log.error.call_args.args == ("event_of_the_other_mode",)
    assert StripeEvent.objects.count() == 0


def test_an_old_purchases_end_leaves_the_newer_one_alone(
    alice: User, opened: Purchase, stripe: SandboxProcess
) -> None:
    Purchase.objects.filter(pk=opened.pk).update(status="failed")
    stripe.control(f"sessions/{opened.stripe_session_id}/expire")
    from checkout.models import CheckoutSession
    from purchases import opening

    newer = opening.open_payment(owner=alice, session=CheckoutSession.objects.get()).purchase

    deliver(event("checkout.session.expired", {"id": opened.stripe_session_id}))
    newer.refresh_from_db()
    assert newer.status == "open"


def _events(stripe: SandboxProcess) -> list[dict[str, Any]]:
    from purchases import stripe_gateway

    return [
        e.to_dict(for_json=True) for e in stripe_gateway.client.client().v1.events.list({"limit": 50}).data
    ]


# --- which commits wait for the disk ---


def waits_for_the_disk() -> bool:
    """Whether the commit of the test's transaction would, by the statements since it was last asked."""
    with connection.cursor() as cursor:
        cursor.execute("select current_setting('synchronous_commit')")
        before = cursor.fetchone()
        cursor.execute("set local synchronous_commit = on")
    return bool(before == ("on",))


def test_an_event_is_stored_without_waiting_for_the_disk(paid: Purchase) -> None:
    assert waits_for_the_disk()
    inbox.store(completed(paid))

    assert not waits_for_the_disk()


@pytest.mark.django_db(transaction=True)
def test_commits_after_a_webhook_wait_for_the_disk_again(paid: Purchase) -> None:
    deliver(completed(paid))

    assert waits_for_the_disk()


def test_only_the_end_of_what_is_credited_does_not_wait_for_the_disk(
    paid: Purchase, stripe: SandboxProcess
) -> None:
    nobodys = inbox.store(event("checkout.session.completed", {"id": "cs_test_of_somebody_else"}, id="evt_2"))
    ours = inbox.store(completed(paid))
    assert nobodys is not None
    assert ours is not None
    waits_for_the_disk()

    assert inbox.handle(nobodys, is_call=True) == "not_ours"
    assert waits_for_the_disk()
    assert inbox.handle(ours, is_call=True) == "credited"
    assert not waits_for_the_disk()


def test_the_forgotten_end_of_a_credited_event_moves_nothing(alice: User, paid: Purchase) -> None:
    deliver(completed(paid))
    StripeEvent.objects.update(state="waiting", handled_at=None)

    assert inbox.retry_due() == {"handled": 1, "waiting": 0}
    assert balance_of(alice).available == 220
