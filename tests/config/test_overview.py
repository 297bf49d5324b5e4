"""The admin's front page: the shop's numbers, for staff who may see them."""

import re

import pytest
from django.contrib.auth.models import Permission
from django.core.cache import cache
from django.test import Client

from accounts.models import User
from accounts.passwords import PASSWORD_BACKEND
from checkout import sessions
from checkout.models import Tier
from config import dashboard
from credits import spending
from purchases import opening
from purchases.fulfilment import settle
from purchases.models import Purchase
from tests.sandbox_process import SandboxProcess


@pytest.fixture(autouse=True)
def nothing_kept() -> None:
    cache.clear()


def client_of(*permissions: str, is_superuser: bool = False) -> Client:
    staff = User.objects.create_user("staff@example.com", "pw", is_staff=True, is_superuser=is_superuser)
    staff.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(staff, backend=PASSWORD_BACKEND)
    return client


@pytest.fixture
def bought(alice: User, plus: Tier, stripe: SandboxProcess) -> Purchase:
    session = sessions.start(owner=alice, tier=plus)
    purchase = opening.open_payment(owner=alice, session=session).purchase
    stripe.pay(purchase.stripe_session_id or "")
    settle(purchase.stripe_session_id or "", via=Purchase.Via.RETURN)
    spending.spend(user=alice, amount=40, scope="test", key="s")
    return purchase


def test_it_shows_what_was_sold_and_is_outstanding(bought: Purchase) -> None:
    text = client_of(is_superuser=True).get("/admin/").content.decode()

    assert re.search(r"Revenue in USD.*?\$18\.00", text, re.DOTALL)
    assert re.search(r"What was paid for them.*?\$16\.20", text, re.DOTALL)
    assert re.search(r"Credits sold.*?220.*?Credits spent.*?40", text, re.DOTALL)
    assert 'aria-label="Revenue in USD: $18.00 in 30 days, most on' in text
    assert re.search(r'<th scope="row">return page</th>\s*<td>1</td>', text)


def test_the_charts_are_thirty_days_and_today_is_the_last(bought: Purchase) -> None:
    (revenue, *_rest) = dashboard.dashboard().charts

    assert [bar.height for bar in revenue.bars] == [0] * 29 + [dashboard.CHART_HEIGHT]
    assert revenue.today == "$18.00"


def test_an_empty_shop_says_so(db: None) -> None:
    text = client_of(is_superuser=True).get("/admin/").content.decode()

    assert 'aria-label="Credits sold: none in 30 days."' in text


def test_staff_who_may_not_see_money_see_none(bought: Purchase) -> None:
    text = client_of("view_tier").get("/admin/").content.decode()

    assert 'id="overview"' not in text
    assert "18.00" not in text


def test_staff_who_may_look_see_it(bought: Purchase) -> None:
    assert 'id="overview"' in client_of("view_purchase", "view_account").get("/admin/").content.decode()


def test_what_waits_is_marked(bought: Purchase) -> None:
    Purchase.objects.update(is_duplicate=True)
    text = client_of(is_superuser=True).get("/admin/").content.decode()

    assert re.search(r'needs-a-look">\s*<a[^>]*is_duplicate__exact=1', text)
