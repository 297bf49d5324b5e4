"""The groups that a migration makes: who may look, settle, adjust, refund, export."""

import uuid

import pytest
from django.contrib.auth.models import Group, Permission
from django.test import Client
from pytest_django.fixtures import Settings

from accounts.models import User
from accounts.passwords import PASSWORD_BACKEND
from checkout import sessions
from checkout.models import Tier
from credits import deposits
from credits.balances import balance_of
from credits.deposits import NewLot
from purchases import opening, operators
from purchases.errors import NotAllowed
from purchases.models import Purchase
from tests.sandbox_process import SandboxProcess


def permissions(name: str) -> set[str]:
    return set(Group.objects.get(name=name).permissions.values_list("codename", flat=True))


def member(name: str) -> User:
    user = User.objects.create_user(f"{name}@example.com", "pw", is_staff=True)
    user.groups.add(Group.objects.get(name=name))
    return User.objects.get(pk=user.pk)


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user, backend=PASSWORD_BACKEND)
    return client


def deed(user: User) -> operators.Deed:
    return operators.Deed(by=operators.staff(user), reason="a mistake of ours", key=uuid.uuid4())


def test_support_looks_settles_and_adjusts(db: None) -> None:
    assert {"view_purchase", "view_entry", "settle_purchase", "adjust_credits"} <= permissions("support")
    assert not {"refund_purchase", "export_purchase", "adjust_credits_beyond"} & permissions("support")


def test_finance_refunds_and_exports(db: None) -> None:
    assert {"view_purchase", "refund_purchase", "export_purchase"} <= permissions("finance")
    assert not {"settle_purchase", "adjust_credits"} & permissions("finance")


@pytest.mark.parametrize("name", ["support", "finance"])
@pytest.mark.parametrize("what", ["refund", "dispute", "fraudwarning"])
def test_both_look_at_what_went_back(db: None, name: str, what: str) -> None:
    assert client_of(member(name)).get(f"/admin/purchases/{what}/").status_code == 200


def test_no_group_may_change_a_tier_or_a_person(db: None) -> None:
    changing = Permission.objects.filter(codename__regex="^(add|change|delete)_")

    assert not changing.filter(group__name__in=["support", "finance"]).exists()


def test_support_adjusts_up_to_the_limit(alice: User, settings: Settings) -> None:
    settings.OPERATORS_ADJUST_LIMIT = 50
    support = member("support")
    operators.adjust(alice, amount=50, deed=deed(support))
    for amount in (51, -51):
        with pytest.raises(NotAllowed, match="up to 50"):
            operators.adjust(alice, amount=amount, deed=deed(support))

    assert balance_of(alice).available == 50
    support.user_permissions.add(Permission.objects.get(codename="adjust_credits_beyond"))
    operators.adjust(alice, amount=51, deed=deed(User.objects.get(pk=support.pk)))
    assert balance_of(alice).available == 101


@pytest.fixture
def purchase(alice: User, plus: Tier, stripe: SandboxProcess) -> Purchase:
    Tier.objects.update(slug="=1+1")
    plus.refresh_from_db()
    return opening.open_payment(owner=alice, session=sessions.start(owner=alice, tier=plus)).purchase


def exported(client: Client, purchase: Purchase) -> str:
    answer = client.post(
        "/admin/purchases/purchase/", {"action": "export_as_csv", "_selected_action": [purchase.pk]}
    )
    return b"".join(answer).decode()


def test_finance_takes_the_list_away(purchase: Purchase) -> None:
    text = exported(client_of(member("finance")), purchase)

    heading, line = text.splitlines()
    assert heading.startswith("uuid,created_at,")
    assert heading.endswith(",refunded_minor,disputed_minor,credits_taken")
    assert line.startswith(str(purchase.uuid))
    assert ",'=1+1,200,20,USD,1800," in line
    assert "alice" not in text


def test_support_does_not(purchase: Purchase) -> None:
    assert str(purchase.uuid) not in exported(client_of(member("support")), purchase).split("<")[0]


def test_a_group_member_sees_the_overview(alice: User) -> None:
    deposits.grant(user=alice, lots=[NewLot(kind="promo", amount=5)], scope="test", key="a")

    assert 'id="overview"' in client_of(member("support")).get("/admin/").content.decode()
