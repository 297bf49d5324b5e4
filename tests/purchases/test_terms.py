"""Terms that have to be agreed to: the purchase keeps when and which."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.models import User
from checkout.models import CheckoutSession
from purchases import opening
from purchases.errors import TermsNotAgreed
from purchases.fulfilment import settle
from purchases.models import Purchase
from tests.sandbox_process import SandboxProcess

TERMS = "https://shop.example.com/terms"


@pytest.fixture
def consent(settings: Settings) -> None:
    settings.TERMS_URL, settings.TERMS_VERSION, settings.TERMS_CONSENT = TERMS, "2026-11", True


def agreed_to(purchase: Purchase) -> tuple[str, str]:
    """Address and version; the time is just now."""
    assert purchase.terms_agreed_at is not None
    assert abs(timezone.now() - purchase.terms_agreed_at) < timedelta(minutes=5)
    return purchase.terms_url, purchase.terms_version


@pytest.mark.usefixtures("consent")
def test_nothing_is_opened_without_consent(
    alice: User, session: CheckoutSession, stripe: SandboxProcess
) -> None:
    with pytest.raises(TermsNotAgreed):
        opening.open_payment(owner=alice, session=session)
    assert Purchase.objects.count() == 0


@pytest.mark.usefixtures("consent")
def test_a_purchase_keeps_what_was_agreed_to(
    alice_client: Client, session: CheckoutSession, stripe: SandboxProcess, settings: Settings
) -> None:
    alice_client.post(f"/purchases/pay/{session.pk}/", {"terms": "accepted"})
    kept = Purchase.objects.get()
    assert agreed_to(kept) == (TERMS, "2026-11")

    settings.TERMS_VERSION = "2026-12"
    alice_client.post(f"/purchases/pay/{session.pk}/", {"terms": "accepted"})
    assert Purchase.objects.get().terms_agreed_at == kept.terms_agreed_at


def test_where_nobody_asks_nothing_is_kept(
    alice: User, session: CheckoutSession, stripe: SandboxProcess, settings: Settings
) -> None:
    settings.TERMS_URL, settings.TERMS_VERSION = TERMS, "2026-11"
    purchase = opening.open_payment(owner=alice, session=session, agrees=True).purchase

    assert (purchase.terms_agreed_at, purchase.terms_url, purchase.terms_version) == (None, "", "")
    assert not [name for name in purchase.request["metadata"] if name.startswith("terms")]


def test_a_payment_opened_before_consent_was_asked_keeps_it(
    opened: Purchase, alice: User, session: CheckoutSession, settings: Settings
) -> None:
    settings.TERMS_URL, settings.TERMS_CONSENT = TERMS, True
    opening.open_payment(owner=alice, session=session, agrees=True)

    opened.refresh_from_db()
    assert agreed_to(opened) == (TERMS, "")


@pytest.mark.usefixtures("consent")
def test_a_rebuilt_purchase_has_it_too(alice: User, session: CheckoutSession, stripe: SandboxProcess) -> None:
    purchase = opening.open_payment(owner=alice, session=session, agrees=True).purchase
    stripe.pay(purchase.stripe_session_id or "")
    Purchase.objects.all().delete()

    settle(purchase.stripe_session_id or "", via=Purchase.Via.COMMAND)
    rebuilt = Purchase.objects.get()
    assert (rebuilt.status, rebuilt.terms_agreed_at) == ("credited", purchase.terms_agreed_at)
    assert agreed_to(rebuilt) == (TERMS, "2026-11")


@pytest.mark.usefixtures("consent")
def test_forged_consent_rebuilds_nothing(
    alice: User, session: CheckoutSession, stripe: SandboxProcess
) -> None:
    purchase = opening.open_payment(owner=alice, session=session, agrees=True).purchase
    stripe.pay(purchase.stripe_session_id or "")
    Purchase.objects.all().delete()
    stripe.control(f"sessions/{purchase.stripe_session_id}/tamper", **{"metadata.terms_version": "2025"})

    settle(purchase.stripe_session_id or "", via=Purchase.Via.COMMAND)
    assert Purchase.objects.count() == 0


@pytest.mark.usefixtures("consent")
def test_receipt_and_admin_show_it(
    alice: User, alice_client: Client, session: CheckoutSession, stripe: SandboxProcess, admin_client: Client
) -> None:
    purchase = opening.open_payment(owner=alice, session=session, agrees=True).purchase

    receipt = alice_client.get(f"/purchases/{purchase.uuid}/").content.decode()
    assert re.search(rf'<a href="{TERMS}"\s+rel="noopener">2026-11</a>', receipt)
    page = admin_client.get(f"/admin/purchases/purchase/{purchase.pk}/change/").content.decode()
    assert TERMS in page
    assert "2026-11" in page


@pytest.mark.usefixtures("consent")
def test_buying_beside_a_payment_under_way_asks_again(
    alice: User, alice_client: Client, session: CheckoutSession, stripe: SandboxProcess
) -> None:
    purchase = opening.open_payment(owner=alice, session=session, agrees=True).purchase

    page = alice_client.get(f"/purchases/cancelled/{purchase.uuid}/").content.decode()
    assert 'type="checkbox" name="terms"' in page
    assert 'type="hidden" name="terms"' not in page
