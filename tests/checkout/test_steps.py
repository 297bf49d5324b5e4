"""Where one is: four steps on every page of a purchase, and what lies behind is a link that keeps the order."""

import re

import pytest
from django.test import Client

from accounts.models import User
from checkout import sessions
from checkout.models import CheckoutSession, Tier
from purchases import opening
from tests.sandbox_process import SandboxProcess

Step = tuple[str, bool, str]


@pytest.fixture
def session(alice: User, plus: Tier, starter: Tier) -> CheckoutSession:
    return sessions.start(owner=alice, tier=plus)


def steps(page: bytes) -> list[Step]:
    """Each step's word, whether it is the current one, and where it leads."""
    found = re.search(r'<ol class="steps".*?</ol>', page.decode(), re.DOTALL)
    assert found
    items = re.findall(r"<li([^>]*)>(.*?)</li>", found.group(0), re.DOTALL)
    return [
        (
            re.sub(r"<[^>]+>", "", inner).strip(),
            'aria-current="step"' in attributes,
            (re.findall(r'href="([^"]+)"', inner) or [""])[0],
        )
        for attributes, inner in items
    ]


@pytest.mark.parametrize("path", ["/pricing/", "/pricing/plus/"])
def test_choosing_has_the_order_ahead(alice_client: Client, session: CheckoutSession, path: str) -> None:
    assert steps(alice_client.get(path).content) == [
        ("Choose", True, ""),
        ("Review", False, f"/checkout/{session.pk}/"),
        ("Pay", False, ""),
        ("Done", False, ""),
    ]


def test_a_newcomer_has_nothing_ahead_to_go_to(client: Client, plus: Tier) -> None:
    assert [link for _word, _current, link in steps(client.get("/pricing/").content)] == ["", "", "", ""]


def test_reviewing(alice_client: Client, session: CheckoutSession) -> None:
    assert steps(alice_client.get(f"/checkout/{session.pk}/").content) == [
        ("Choose", False, "/pricing/"),
        ("Review", True, ""),
        ("Pay", False, ""),
        ("Done", False, ""),
    ]


def test_after_leaving_stripe(
    alice: User, alice_client: Client, session: CheckoutSession, stripe: SandboxProcess
) -> None:
    purchase = opening.open_payment(owner=alice, session=session).purchase

    for path in (
        f"/purchases/cancelled/{purchase.uuid}/",
        f"/purchases/return/{purchase.uuid}/?session_id={purchase.stripe_session_id}",
    ):
        assert steps(alice_client.get(path).content) == [
            ("Choose", False, "/pricing/"),
            ("Review", False, f"/checkout/{session.pk}/"),
            ("Pay", True, ""),
            ("Done", False, ""),
        ]


def test_done(alice: User, alice_client: Client, session: CheckoutSession, stripe: SandboxProcess) -> None:
    purchase = opening.open_payment(owner=alice, session=session).purchase
    stripe.pay(purchase.stripe_session_id or "")

    back = f"/purchases/return/{purchase.uuid}/?session_id={purchase.stripe_session_id}"
    found = steps(alice_client.get(back).content)

    assert found == [
        ("Choose", False, "/pricing/"),
        ("Review", False, f"/checkout/{session.pk}/"),
        ("Pay", False, f"/purchases/{purchase.uuid}/"),
        ("Done", True, ""),
    ]
    assert alice_client.get(found[1][2], follow=True).redirect_chain[-1][0] == f"/purchases/{purchase.uuid}/"


def test_following_the_steps_keeps_the_order(alice_client: Client, session: CheckoutSession) -> None:
    for path in ("/pricing/", f"/checkout/{session.pk}/", "/pricing/plus/", f"/checkout/{session.pk}/"):
        assert alice_client.get(path).status_code == 200

    assert CheckoutSession.objects.get().is_active


# --- the card ---


@pytest.mark.parametrize("path", ["/pricing/", "/pricing/starter/"])
def test_an_unfinished_order_can_be_continued_or_switched(
    alice_client: Client, session: CheckoutSession, path: str
) -> None:
    page = alice_client.get(path).content.decode()

    assert "You were buying Plus" in page
    assert f'href="/checkout/{session.pk}/">Continue' in page
    assert "Switch to Starter" in page
    assert "Switch to Plus" not in page


def test_switching_renews_the_order(alice_client: Client, session: CheckoutSession) -> None:
    response = alice_client.post(f"/checkout/{session.pk}/change/", {"tier": "starter"})

    live = CheckoutSession.objects.get(status="active")
    assert response["Location"] == f"/checkout/{live.pk}/"
    assert (live.tier_slug, live.renewed_from) == ("starter", session)


def test_the_other_tab_is_told_of_the_switch(
    alice: User, alice_client: Client, session: CheckoutSession, starter: Tier
) -> None:
    live = sessions.start(owner=alice, tier=starter)

    response = alice_client.get(f"/checkout/{session.pk}/", follow=True)

    assert response.redirect_chain[-1][0] == f"/checkout/{live.pk}/"
    assert "That order has ended. This is the one you began since." in response.content.decode()


def test_the_page_of_the_chosen_tier_offers_no_switch(alice_client: Client, session: CheckoutSession) -> None:
    assert "Switch to" not in alice_client.get("/pricing/plus/").content.decode()
