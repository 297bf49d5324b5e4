"""Everybody at once, and a great deal of what nobody has cleaned up."""

import json
import os
import urllib.error
import urllib.request
import uuid

import stripe

from tests.buyer import Buyer, session_id
from tests.environment import WEBHOOK_SECRET
from tests.faults.house import House, promised_in_seconds
from tests.faults.visits import Crowd, at_once

ROUNDS = int(os.environ.get("FAULTS_ROUNDS", "2"))
STALE, WAITING = 10_000, 1_000
ALL_MAY_ASK = "100"  # that Stripe is slow on a busy machine, and calls are refused, has tests of its own


def test_a_hundred_at_the_same_instant_are_one_credit(house: House) -> None:
    """Guard: the grant's key and the locks (without them: tests/purchases/test_races.py)."""
    house.settings["STRIPE_CONCURRENT_CALLS"] = ALL_MAY_ASK
    house.start_web()
    house.start_worker()  # sweeps every second
    for _ in range(ROUNDS):
        buyer = house.buyer()
        paid = house.stripe.pay(session_id(buyer.pay_address()))
        back, session = paid["success_url"], session_id(paid["success_url"])
        check = f"/purchases/{back.split('/')[-2]}/check/"
        calls = [lambda s=session: webhook(house, s)] * 40
        calls += [lambda b=buyer, a=back: b.get(a).status] * 40  # type: ignore[misc]
        calls += [lambda b=buyer, a=check: b.post_once(a)[0]] * 20  # type: ignore[misc]
        answers = at_once(*calls)
        assert set(answers[:80]) == {200}
        assert set(answers[80:]) == {302}
        assert buyer.get("/credits/").balance == 220


def webhook(house: House, session: str) -> int:
    """Tell of a session as Stripe would, in an event of its own; what we answered."""
    told = {"id": session, "object": "checkout.session"}
    event = {
        "id": f"evt_{uuid.uuid4().hex}",
        "object": "event",
        "type": "checkout.session.completed",
        "livemode": False,
        "api_version": "2026-10-28.endive",
        "data": {"object": told},
    }
    body = json.dumps(event)
    signature = stripe.WebhookSignature.generate_signature_header(body, WEBHOOK_SECRET)
    headers = {"Stripe-Signature": signature, "Content-Type": "application/json"}
    request = urllib.request.Request(f"{house.base}/webhooks/stripe/", body.encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


@promised_in_seconds
def test_ten_thousand_stale_sessions_hold_nobody_up(house: House) -> None:
    """Guard: batches, each a transaction of its own, that pass by what others hold."""
    house.settings["STRIPE_CONCURRENT_CALLS"] = ALL_MAY_ASK
    house.start_web()
    stale_sessions(house, STALE)
    with Crowd(house).buying(3) as crowd:
        cleaned = house.json("clean_checkout_sessions")
    assert cleaned["expired"] >= STALE
    assert cleaned["deleted"] >= STALE
    assert 503 not in {visit.status for visit in crowd.visits}, "nobody met the lock timeout"
    crowd.check()


def stale_sessions(house: House, count: int) -> None:
    """So many people's sessions, begun nine days ago, and never looked at since."""
    house.postgres.past_the_guards(
        "insert into accounts_user (password, is_superuser, email, is_guest, is_staff, is_active, date_joined)"
        f" select '!', false, 'stale' || n || '@example.com', false, false, true, now()"
        f" from generate_series(1, {count}) as n on conflict do nothing",
        "insert into checkout_checkoutsession (id, owner_id, tier_id, tier_slug, tier_name, credits, bonus_credits,"
        " price_minor, currency, status, end_reason, created_at, updated_at, expires_at)"
        " select gen_random_uuid(), owner.id, tier.id, tier.slug, tier.name, tier.credits, tier.bonus_credits,"
        " tier.price_minor, tier.currency, 'active', '', now() - interval '9 days', now(), now() - interval '8 days'"
        " from accounts_user owner, checkout_tier tier"
        " where owner.email like 'stale%@example.com' and tier.slug = 'plus'",
    )


@promised_in_seconds
def test_a_thousand_waiting_events_hold_nobody_up(house: House, buyer: Buyer) -> None:
    """Guard: events are claimed in batches, and no lock is held while Stripe is asked."""
    house.settings["STRIPE_CONCURRENT_CALLS"] = ALL_MAY_ASK
    house.start_web()
    people = [house.buyer() for _ in range(5)]
    sessions = [session_id(house.stripe.pay(session_id(one.pay_address()))["success_url"]) for one in people]
    house.postgres.rows(
        "insert into purchases_stripeevent (event_id, type, object_id, livemode, api_version, payload, state,"
        " attempts, error) select 'evt_waiting_' || n, 'checkout.session.completed', session, false, '',"
        " jsonb_build_object('data', jsonb_build_object('object', jsonb_build_object('id', session))),"
        f" 'waiting', 0, '' from generate_series(1, {WAITING}) n, lateral"
        " (select (%s::text[])[1 + n %% 5] as session) which",
        sessions,
    )
    with Crowd(house).buying(2) as crowd:
        swept = house.json("sweep")
    assert swept["checked"] >= WAITING
    assert 503 not in {visit.status for visit in crowd.visits}, "nobody met the lock timeout"
    crowd.check()
    assert [person.get("/credits/").balance for person in people] == [220] * 5
