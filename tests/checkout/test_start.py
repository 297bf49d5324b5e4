"""start(): one active session per person, on the terms of the moment."""

from datetime import timedelta

import pytest

from accounts.models import User
from checkout import sessions
from checkout.errors import TierNotSold
from checkout.models import CheckoutSession, Tier
from tests.checkout.conftest import BeginSession

Status = CheckoutSession.Status


def test_start_freezes_the_terms(alice: User, plus: Tier) -> None:
    session = sessions.start(owner=alice, tier=plus)
    Tier.objects.update(
        name="Plus plus", credits=1, bonus_credits=0, price_minor=9, currency="EUR", active=False
    )

    session.refresh_from_db()
    assert (session.tier_slug, session.tier_name, session.credits, session.bonus_credits) == (
        "plus",
        "Plus",
        200,
        20,
    )
    assert (session.price_minor, session.currency, session.expires_after_days) == (1800, "USD", None)
    assert (session.owner, session.tier, session.status, session.end_reason) == (
        alice,
        plus,
        Status.ACTIVE,
        "",
    )
    assert session.expires_at - session.created_at == timedelta(hours=24)


def test_length_is_a_setting(alice: User, plus: Tier, settings: pytest.FixtureRequest) -> None:
    settings.CHECKOUT_SESSION_HOURS = 2  # type: ignore[attr-defined]

    session = sessions.start(owner=alice, tier=plus)

    assert session.expires_at - session.created_at == timedelta(hours=2)


def test_same_tier_again_is_the_same_session(alice: User, plus: Tier) -> None:
    first = sessions.start(owner=alice, tier=plus)

    assert sessions.start(owner=alice, tier=plus) == first
    assert CheckoutSession.objects.count() == 1


def test_two_people_have_one_each(alice: User, bob: User, plus: Tier) -> None:
    assert sessions.start(owner=alice, tier=plus) != sessions.start(owner=bob, tier=plus)
    assert CheckoutSession.objects.filter(status=Status.ACTIVE).count() == 2


def test_another_tier_takes_the_place_of_the_first(alice: User, starter: Tier, plus: Tier) -> None:
    old = sessions.start(owner=alice, tier=starter)

    new = sessions.start(owner=alice, tier=plus)

    old.refresh_from_db()
    assert (old.status, old.end_reason) == (Status.INVALIDATED, "changed_tier")
    assert (new.status, new.tier, new.renewed_from, new.recovered_from) == (Status.ACTIVE, plus, old, None)


@pytest.mark.parametrize(
    "change",
    [
        {"price_minor": 1900},
        {"credits": 210},
        {"bonus_credits": 0},
        {"currency": "EUR"},
        {"expires_after_days": 30},
    ],
)
def test_changed_terms_take_the_place_of_the_old(alice: User, plus: Tier, change: dict[str, object]) -> None:
    old = sessions.start(owner=alice, tier=plus)
    Tier.objects.update(**change)

    new = sessions.start(owner=alice, tier=plus)

    old.refresh_from_db()
    assert (old.status, old.end_reason, new.renewed_from) == (Status.INVALIDATED, "price_changed", old)
    assert {name: getattr(new, name) for name in change} == change


def test_renamed_tier_keeps_the_session(alice: User, plus: Tier) -> None:
    old = sessions.start(owner=alice, tier=plus)
    Tier.objects.update(name="Plus!")

    assert sessions.start(owner=alice, tier=plus) == old


def test_withdrawn_tier_is_not_sold_and_nothing_moves(alice: User, starter: Tier, plus: Tier) -> None:
    old = sessions.start(owner=alice, tier=starter)
    Tier.objects.filter(pk=plus.pk).update(active=False)

    with pytest.raises(TierNotSold) as refused:
        sessions.start(owner=alice, tier=plus)

    old.refresh_from_db()
    assert (refused.value.slug, old.status, CheckoutSession.objects.count()) == ("plus", Status.ACTIVE, 1)


def test_session_past_its_time_is_expired_first(alice: User, plus: Tier, begin: BeginSession) -> None:
    old = begin(ago=timedelta(hours=24))

    new = sessions.start(owner=alice, tier=plus)

    old.refresh_from_db()
    assert (old.status, old.end_reason) == (Status.EXPIRED, "time_passed")
    assert (new.status, new.renewed_from) == (Status.ACTIVE, None)


def test_session_with_too_little_time_is_renewed(alice: User, plus: Tier, begin: BeginSession) -> None:
    old = begin(ago=timedelta(hours=23, minutes=26))

    new = sessions.start(owner=alice, tier=plus)

    old.refresh_from_db()
    assert (old.status, old.end_reason, new.renewed_from) == (Status.INVALIDATED, "little_time", old)


def test_completed_session_does_not_stand_in_the_way(alice: User, plus: Tier, begin: BeginSession) -> None:
    begin()
    CheckoutSession.objects.update(status=Status.COMPLETED)

    assert sessions.start(owner=alice, tier=plus).status == Status.ACTIVE
