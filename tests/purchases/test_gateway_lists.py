"""What the gateway makes of lists that are poorer than Stripe's: no paging, no filters, hardly a field."""

import json
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from accounts.models import User
from checkout.locks import database_now
from credits.balances import balance_of
from purchases import backfill, proof, stripe_gateway
from purchases.errors import StripeUnavailable
from purchases.models import Purchase
from purchases.stripe_gateway import lists
from tests.purchases.conftest import completed
from tests.purchases.test_gateway import Wire, wire

__all__ = ["wire"]
FROM, TO = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)
SESSIONS, EVENTS = "checkout/sessions", "events"


def session(number: int, **fields: Any) -> dict[str, Any]:
    plain = {"id": f"cs_test_{number}", "object": "checkout.session", "status": "complete"}
    return {**plain, "payment_status": "paid", **fields}


def listed() -> list[str]:
    pages = stripe_gateway.sessions_created(from_at=FROM, to_at=TO)
    return [found.id for page in pages for found in page.things]


def test_a_list_that_does_not_say_whether_there_is_more_is_one_page(wire: Wire) -> None:
    wire.answers[SESSIONS] = (200, {"object": "list", "data": [session(1), session(2)]})

    assert listed() == ["cs_test_1", "cs_test_2"]


def test_a_list_that_begins_anew_at_each_page_has_an_end(wire: Wire) -> None:
    wire.answers[SESSIONS] = (200, {"object": "list", "data": [session(1)], "has_more": True})

    assert listed() == ["cs_test_1"]


def test_what_is_outside_the_window_is_left_out_though_it_was_listed(wire: Wire) -> None:
    inside, outside = int(FROM.timestamp()), int(TO.timestamp())
    sessions = [session(1, created=inside), session(2, created=outside), session(3, created=inside - 1)]
    wire.answers[SESSIONS] = (200, {"object": "list", "data": sessions})

    assert listed() == ["cs_test_1"]


@pytest.mark.parametrize("answer", [{}, {"data": None}, {"data": [{"object": "checkout.session"}]}, "<html>"])
def test_an_answer_that_is_no_list_is_no_answer(
    wire: Wire, answer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists, "PAUSES", ())
    wire.answers[SESSIONS] = (200, answer)

    with pytest.raises(StripeUnavailable):
        listed()


def test_a_plain_double_is_enough_for_the_proof(alice: User, opened: Purchase, wire: Wire) -> None:
    paid = session(1, id=opened.stripe_session_id, amount_total=1800, currency="usd")
    paid["metadata"] = opened.request["metadata"]
    wire.answers[SESSIONS] = (200, {"object": "list", "data": [paid]})
    wire.answers[f"{SESSIONS}/{opened.stripe_session_id}"] = (200, paid)
    for path in ("refunds", "disputes"):
        wire.answers[path] = (
            404,
            {"error": {"type": "invalid_request_error", "message": "Unrecognized URL"}},
        )
    now = database_now()

    report = proof.prove(from_at=now - timedelta(days=1), to_at=now + timedelta(hours=1))
    assert (report.sessions, report.settled, report.odd) == (1, 1, 0)
    assert balance_of(alice).available == 220


def test_a_plain_double_is_enough_for_the_backfill(alice: User, opened: Purchase, wire: Wire) -> None:
    paid = session(1, id=opened.stripe_session_id, amount_total=1800, currency="usd")
    wire.answers[f"{SESSIONS}/{opened.stripe_session_id}"] = (200, paid)
    wire.answers[EVENTS] = (200, {"object": "list", "data": [completed(opened)]})

    assert backfill.backfill().credited == 1
    assert balance_of(alice).available == 220


@pytest.fixture
def plain(opened: Purchase, wire: Wire) -> dict[str, Any]:
    """Alice's session, paid, at a double that has no refunds and no disputes."""
    paid = session(1, id=opened.stripe_session_id, amount_total=1800, currency="usd")
    paid["metadata"] = opened.request["metadata"]
    wire.answers[f"{SESSIONS}/{opened.stripe_session_id}"] = (200, paid)
    for path in ("refunds", "disputes"):
        wire.answers[path] = (200, {"object": "list", "data": []})
    return paid


UNREADABLE = [
    session(7, payment_status=None),
    session(7, created=10**30),
    {"object": "checkout.session"},
    None,
    5,
]


@pytest.mark.parametrize("bad", UNREADABLE)
def test_one_unreadable_session_is_odd_and_stops_no_other(
    alice: User, plain: dict[str, Any], wire: Wire, bad: Any
) -> None:
    wire.answers[SESSIONS] = (200, {"object": "list", "data": [bad, plain]})

    report = printed("prove")
    assert (report["sessions"], report["settled"], report["odd"]) == (1, 1, 1)
    assert "unreadable answer" in report["findings"][-1]["what"]
    assert balance_of(alice).available == 220


@pytest.mark.parametrize("path", ["refunds", "disputes"])
def test_one_unreadable_return_is_odd(alice: User, plain: dict[str, Any], wire: Wire, path: str) -> None:
    wire.answers[SESSIONS] = (200, {"object": "list", "data": [plain]})
    wire.answers[path] = (200, {"object": "list", "data": [{"id": "re_1", "amount": "500"}]})

    report = printed("prove")
    assert (report["settled"], report["odd"]) == (1, 1)
    assert balance_of(alice).available == 220


def test_a_credited_session_that_cannot_be_read_any_more_is_odd(
    alice: User, opened: Purchase, plain: dict[str, Any], wire: Wire
) -> None:
    wire.answers[SESSIONS] = (200, {"object": "list", "data": [plain]})
    assert proof.prove(from_at=FROM, to_at=database_now() + timedelta(hours=1)).is_fine is False
    plain["amount_total"] = "1800"

    assert printed("prove")["odd"] == 2


def test_an_event_that_no_database_can_hold_is_a_hint_all_the_same(
    alice: User, opened: Purchase, plain: dict[str, Any], wire: Wire
) -> None:
    odd = completed(opened, note="\x00", **{"\ud800": float("inf")})
    wire.answers[EVENTS] = (200, {"object": "list", "data": [odd]})

    assert backfill.backfill().credited == 1
    assert balance_of(alice).available == 220


@pytest.mark.parametrize(
    "bad",
    [None, 5, {"id": "evt_7"}, {"type": "x"}, {"id": "evt_7", "type": 5}, {"id": 5, "type": "x"}, "deep"],
)
def test_one_unreadable_event_is_counted_and_stops_no_other(
    alice: User, opened: Purchase, plain: dict[str, Any], wire: Wire, bad: Any
) -> None:
    if bad == "deep":
        bad = completed(opened, id="evt_7", deep=json.loads("[" * 60 + "]" * 60))
    wire.answers[EVENTS] = (200, {"object": "list", "data": [bad, completed(opened)]})

    run = printed("backfill_events")
    assert run == {"checked": 2, "credited": 1, "failed": 0, "waiting": 1}
    assert balance_of(alice).available == 220


@pytest.mark.parametrize(
    ("command", "path", "names"),
    [
        ("prove", SESSIONS, ("sessions", "settled", "missing", "odd", "totals")),
        ("backfill_events", EVENTS, ("checked", "credited", "failed", "waiting")),
    ],
)
def test_without_a_list_the_documented_names_are_printed_all_the_same(
    wire: Wire, db: None, monkeypatch: pytest.MonkeyPatch, command: str, path: str, names: tuple[str, ...]
) -> None:
    monkeypatch.setattr(lists, "PAUSES", ())
    wire.answers[path] = (200, "<html>")
    out = StringIO()

    with pytest.raises(CommandError):
        call_command(command, json=True, stdout=out)
    answer = json.loads(out.getvalue())
    assert {answer[name] for name in names} == {None}
    assert answer["error"]


def printed(command: str) -> dict[str, Any]:
    """What a command says with --json; it must say that something was off."""
    out = StringIO()
    with pytest.raises(SystemExit):
        call_command(command, json=True, stdout=out)
    found: dict[str, Any] = json.loads(out.getvalue())
    return found
