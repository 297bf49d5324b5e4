"""The pages between choosing and paying: Alice owns, Charlie must see nothing, a visitor signs in first."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from accounts import members
from accounts.models import User
from checkout import sessions
from checkout.models import CheckoutSession, Tier
from tests.checkout.conftest import BeginSession

Status = CheckoutSession.Status
VERBS = ("change", "recover", "cancel")


def address(name: str, session: CheckoutSession) -> str:
    return reverse(f"checkout:{name}", args=[session.pk])


def said(response: Any) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


def active() -> CheckoutSession:
    return CheckoutSession.objects.get(status=Status.ACTIVE)


# --- start ---


def test_buying_leads_to_the_review(alice_client: Client, alice: User, plus: Tier) -> None:
    response = alice_client.post("/checkout/", {"tier": "plus"})

    assert (response.status_code, response["Location"]) == (302, f"/checkout/{active().pk}/")
    assert (active().owner, active().tier) == (alice, plus)


def test_double_click_is_one_session(alice_client: Client, plus: Tier) -> None:
    first = alice_client.post("/checkout/", {"tier": "plus"})
    second = alice_client.post("/checkout/", {"tier": "plus"})

    assert first["Location"] == second["Location"]


def test_extra_fields_are_ignored(alice_client: Client, bob: User, plus: Tier) -> None:
    extra = {
        "price_minor": "1",
        "credits": "9999",
        "owner": str(bob.pk),
        "status": "completed",
        "currency": "XXX",
    }

    alice_client.post("/checkout/", {"tier": "plus", **extra})

    session = active()
    assert (session.price_minor, session.credits, session.currency) == (1800, 200, "USD")
    assert session.owner != bob


@pytest.mark.parametrize("slug", ["unknown", "", "withdrawn", "plus\x00", "PLUS", "1", "x" * 5000, "\ud800"])
def test_unknown_tier_goes_back_to_pricing(alice_client: Client, plus: Tier, slug: str) -> None:
    Tier.objects.create(slug="withdrawn", name="W", credits=1, price_minor=1, currency="USD", active=False)
    body = "tier=" + "".join(f"%{byte:02X}" for byte in slug.encode("utf-8", "surrogatepass"))

    response = alice_client.post("/checkout/", body, content_type="application/x-www-form-urlencoded")

    assert (response.status_code, response["Location"]) == (302, "/pricing/")
    assert said(response) == ["That package is not for sale. Please choose one of these."]
    assert CheckoutSession.objects.count() == 0


def test_get_on_start_changes_nothing(alice_client: Client, plus: Tier) -> None:
    assert alice_client.get("/checkout/", {"tier": "plus"}).status_code == 405
    assert CheckoutSession.objects.count() == 0


def test_form_without_its_token_is_refused(alice: User, plus: Tier) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice, backend="accounts.backends.PasswordBackend")

    assert client.post("/checkout/", {"tier": "plus"}).status_code == 403
    assert CheckoutSession.objects.count() == 0


# --- signed out ---


@pytest.fixture
def members_browser(client: Client) -> Client:
    """Somebody's who once signed in here: never given a guest by itself."""
    mark = HttpResponse()
    members.mark(mark)
    client.cookies.update(mark.cookies)
    return client


def test_visitor_signs_in_and_comes_back_to_the_tier(members_browser: Client, plus: Tier) -> None:
    response = members_browser.post("/checkout/", {"tier": "plus", "next": "https://evil.example"})

    assert response["Location"] == "/accounts/login/?next=/pricing/plus/"
    assert CheckoutSession.objects.count() == 0


def test_visitor_with_an_unknown_tier_comes_back_to_pricing(members_browser: Client, plus: Tier) -> None:
    response = members_browser.post("/checkout/", {"tier": "//evil.example"})

    assert response["Location"] == "/accounts/login/?next=/pricing/"


@pytest.mark.parametrize("verb", VERBS)
def test_visitor_comes_back_to_the_session_never_to_a_post_address(
    client: Client, begin: BeginSession, verb: str
) -> None:
    session = begin()

    response = client.post(address(verb, session), {"tier": "plus"})

    assert response["Location"] == f"/accounts/login/?next=/checkout/{session.pk}/"
    assert active() == session


def test_visitor_cannot_tell_a_session_from_none(client: Client, begin: BeginSession) -> None:
    for session_id in (begin().pk, uuid.uuid4()):
        response = client.get(f"/checkout/{session_id}/")
        assert response["Location"] == f"/accounts/login/?next=/checkout/{session_id}/"


# --- whose it is ---


def test_somebody_elses_session_is_404_like_an_unknown_one(
    charlie_client: Client, begin: BeginSession
) -> None:
    session = begin()

    for session_id in (session.pk, uuid.uuid4()):
        assert charlie_client.get(f"/checkout/{session_id}/").status_code == 404
        for verb in VERBS:
            assert charlie_client.post(f"/checkout/{session_id}/{verb}/", {"tier": "plus"}).status_code == 404
    assert active() == session


@pytest.mark.parametrize("path", ["/checkout/1/", "/checkout/not-a-uuid/", "/checkout/{0}{0}/"])
def test_malformed_id_is_404(alice_client: Client, path: str) -> None:
    assert alice_client.get(path).status_code == 404


@pytest.mark.parametrize("verb", VERBS)
def test_get_on_what_changes_state_is_refused(alice_client: Client, begin: BeginSession, verb: str) -> None:
    session = begin()

    assert alice_client.get(address(verb, session)).status_code == 405
    assert active() == session


def test_post_on_the_review_is_refused(alice_client: Client, begin: BeginSession) -> None:
    assert alice_client.post(address("detail", begin())).status_code == 405


# --- review ---


def test_review_shows_the_frozen_terms_and_the_step(
    alice_client: Client, begin: BeginSession, starter: Tier
) -> None:
    session = begin()
    Tier.objects.filter(slug="plus").update(price_minor=9900)

    response = alice_client.get(address("detail", session))

    page = response.content.decode()
    assert response.status_code == 200
    assert "$18.00" in page
    assert "$99.00" not in page
    assert page.count('<li aria-current="step">Review</li>') == 1
    assert list(response.context["tiers"]) == [starter]
    assert f'action="/purchases/pay/{session.pk}/"' in page


def test_reading_the_review_changes_nothing(alice_client: Client, begin: BeginSession) -> None:
    session = begin()

    for _again in range(3):
        alice_client.get(address("detail", session))
    alice_client.head(address("detail", session))

    before = session.updated_at
    session.refresh_from_db()
    assert (session.updated_at, CheckoutSession.objects.count()) == (before, 1)


def test_completed_session_leads_to_its_receipt(alice_client: Client, begin: BeginSession) -> None:
    session = begin()
    CheckoutSession.objects.update(status=Status.COMPLETED)

    for response in (
        alice_client.get(address("detail", session)),
        alice_client.post(address("recover", session)),
    ):
        assert (response.status_code, response["Location"]) == (302, f"/purchases/session/{session.pk}/")


# --- recovery ---


def test_session_that_ended_overnight_leads_to_a_new_one(alice_client: Client, begin: BeginSession) -> None:
    old = begin(ago=timedelta(hours=30))

    response = alice_client.get(address("detail", old))

    assert (response.status_code, response["Location"]) == (302, f"/checkout/{active().pk}/")
    assert said(response) == ["Your earlier order had ended. Here it is again, at the same price."]
    assert active().recovered_from == old


def test_opening_a_dead_session_again_leads_to_the_same_successor(
    alice_client: Client, begin: BeginSession
) -> None:
    old = begin(ago=timedelta(hours=30))

    first = alice_client.get(address("detail", old))
    second = alice_client.get(address("detail", old))

    assert first["Location"] == second["Location"]
    assert CheckoutSession.objects.count() == 2


def test_replaced_session_leads_to_the_one_begun_since(
    alice_client: Client, alice: User, begin: BeginSession, starter: Tier, plus: Tier
) -> None:
    old = begin()
    sessions.start(owner=alice, tier=starter)
    newest = sessions.start(owner=alice, tier=plus)

    response = alice_client.get(address("detail", old))

    assert response["Location"] == f"/checkout/{newest.pk}/"
    assert said(response) == ["That order has ended. This is the one you began since."]


def test_almost_ended_session_is_begun_afresh(alice_client: Client, begin: BeginSession) -> None:
    old = begin(ago=timedelta(hours=23, minutes=40))

    response = alice_client.get(address("detail", old))

    assert response["Location"] == f"/checkout/{active().pk}/"
    assert active().renewed_from == old


def test_raised_price_is_shown_and_asked_for(alice_client: Client, begin: BeginSession) -> None:
    old = begin(ago=timedelta(hours=30))
    Tier.objects.update(price_minor=1900)

    response = alice_client.get(address("detail", old))

    page = response.content.decode()
    assert response.status_code == 200
    assert "Its price has changed since you began." in page
    assert "220 credits for $18.00" in page
    assert "220 credits for $19.00" in page
    assert (
        '<input type="hidden"\n                 name="accept_price_minor"\n                 value="1900">'
        in page
    )
    assert CheckoutSession.objects.filter(status=Status.ACTIVE).count() == 0


def test_agreed_price_is_taken(alice_client: Client, begin: BeginSession) -> None:
    old = begin(ago=timedelta(hours=30))
    Tier.objects.update(price_minor=1900)

    response = alice_client.post(address("recover", old), {"accept_price_minor": "1900"})

    assert response["Location"] == f"/checkout/{active().pk}/"
    assert (active().price_minor, active().recovered_from) == (1900, old)
    assert said(response) == ["Your earlier order had ended. Here it is again, at today's price."]


@pytest.mark.parametrize("said_price", ["1800", "", "0", "-1", "1e3", "1,900", "nan"])
def test_price_that_was_not_agreed_is_asked_for_again(
    alice_client: Client, begin: BeginSession, said_price: str
) -> None:
    old = begin(ago=timedelta(hours=30))
    Tier.objects.update(price_minor=1900)

    response = alice_client.post(address("recover", old), {"accept_price_minor": said_price})

    assert (response.status_code, response.context["new_price_minor"]) == (200, 1900)
    assert CheckoutSession.objects.filter(status=Status.ACTIVE).count() == 0


def test_changed_contents_are_shown_too(alice_client: Client, begin: BeginSession) -> None:
    old = begin(ago=timedelta(hours=30))
    Tier.objects.update(bonus_credits=0)

    page = alice_client.get(address("detail", old)).content.decode()

    assert "What it contains has changed since you began." in page
    assert "200 credits for $18.00" in page


def test_withdrawn_tier_is_said_plainly(alice_client: Client, begin: BeginSession) -> None:
    old = begin(ago=timedelta(hours=30))
    Tier.objects.update(active=False)

    for response in (alice_client.get(address("detail", old)), alice_client.post(address("recover", old))):
        assert response.status_code == 200
        assert "Plus is no longer for sale." in response.content.decode()
    assert CheckoutSession.objects.filter(status=Status.ACTIVE).count() == 0


# --- change and cancel ---


def test_change_takes_another_tier(alice_client: Client, begin: BeginSession, starter: Tier) -> None:
    old = begin()

    response = alice_client.post(address("change", old), {"tier": "starter"})

    assert response["Location"] == f"/checkout/{active().pk}/"
    assert (active().tier, active().renewed_from) == (starter, old)
    assert said(response) == ["Your order is now for Starter."]


def test_change_to_the_same_tier_says_nothing(alice_client: Client, begin: BeginSession) -> None:
    session = begin()

    response = alice_client.post(address("change", session), {"tier": "plus"})

    assert (response["Location"], said(response)) == (f"/checkout/{session.pk}/", [])


def test_change_to_an_unknown_tier_keeps_the_order(alice_client: Client, begin: BeginSession) -> None:
    session = begin()

    response = alice_client.post(address("change", session), {"tier": "unknown"})

    assert response["Location"] == f"/checkout/{session.pk}/"
    assert said(response) == ["That package is not for sale. Your order is as it was."]
    assert active() == session


def test_change_of_a_completed_order_leads_to_its_receipt(
    alice_client: Client, begin: BeginSession, starter: Tier
) -> None:
    session = begin()
    CheckoutSession.objects.update(status=Status.COMPLETED)

    response = alice_client.post(address("change", session), {"tier": "starter"})

    assert response["Location"] == f"/checkout/{session.pk}/"
    assert CheckoutSession.objects.count() == 1


def test_cancel_leads_back_to_pricing(alice_client: Client, begin: BeginSession) -> None:
    session = begin()

    response = alice_client.post(address("cancel", session))

    session.refresh_from_db()
    assert (response["Location"], session.status, session.end_reason) == (
        "/pricing/",
        "invalidated",
        "cancelled",
    )
    assert said(response) == ["Your order is cancelled. You can choose a package again at any time."]


def test_cancel_of_a_completed_order_leads_to_it(alice_client: Client, begin: BeginSession) -> None:
    session = begin()
    CheckoutSession.objects.update(status=Status.COMPLETED)

    response = alice_client.post(address("cancel", session))

    assert (response["Location"], said(response)) == (f"/checkout/{session.pk}/", [])


def test_personal_pages_are_never_cached(alice_client: Client, begin: BeginSession) -> None:
    assert alice_client.get(address("detail", begin()))["Cache-Control"] == "private, no-store"


def test_markup_in_a_name_is_escaped(alice_client: Client, begin: BeginSession) -> None:
    page = alice_client.get(address("detail", begin(tier_name="<script>alert(1)</script>"))).content.decode()

    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
