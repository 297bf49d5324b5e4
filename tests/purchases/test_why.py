"""Why is my balance that: the owner's page, the operator's, and the sentence whose numbers add up."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from pytest_django.fixtures import Settings

from accounts.models import User
from credits.adjusting import adjust
from credits.balances import balance_of
from credits.deposits import NewLot, claw_back, grant
from credits.spending import hold, spend
from credits.spending import reverse as take_back
from credits.transfers import transfer
from purchases import fulfilment
from purchases.models import Purchase
from purchases.why import sentence


def give(user: User, amount: int, key: str, **terms: object) -> None:
    lot = NewLot(kind="promo", amount=amount, **terms)  # type: ignore[arg-type]
    grant(user=user, lots=[lot], scope="tests", key=key, actor="tests:giver")


def buy(user: User, source: str, paid: int = 50, bonus: int = 20) -> None:
    lots = [
        NewLot(kind="paid", amount=paid, price_minor=500, currency="USD"),
        NewLot(kind="bonus", amount=bonus),
    ]
    grant(user=user, lots=lots, kind="purchase", scope="purchases", key=source, source=source)


def today() -> str:
    return date_format(timezone.now(), "DATE_FORMAT")


def test_nothing_is_explained_too(alice: User) -> None:
    assert sentence(alice) == "You have no credits: none have come yet."


def test_the_sentence_says_where_they_came_from_and_went(alice: User) -> None:
    buy(alice, "cs_1")
    for number in range(11):
        spend(user=alice, amount=3, scope="tests", key=f"job:{number}")
    give(alice, 5, "gift", expires_after=timedelta(days=9), priority=200)
    expiry = date_format(timezone.now() + timedelta(days=9), "DATE_FORMAT")

    assert sentence(alice) == (
        f"You have 42 credits: 50 bought on {today()}, 20 bonus, 5 given, less 33 spent in 11 uses;"
        f" 5 expire on {expiry}."
    )


def test_every_way_of_coming_and_going_is_in_it(alice: User, bob: User) -> None:
    buy(alice, "cs_1")
    buy(alice, "cs_2")
    give(bob, 1000, "gift")
    transfer(source=bob, target=alice, scope="tests", key="claim")
    spent = spend(user=alice, amount=10, scope="tests", key="job:1")
    take_back(spend=spent.id, amount=4, scope="tests", key="undo:1")
    adjust(user=alice, amount=-7, scope="tests", key="fix", reason="A mistake", actor="tests:operator")
    hold(user=alice, amount=30, scope="tests", key="job:2")
    claw_back(source="cs_1", returned_minor=500, paid_minor=500, scope="tests", key="refund")

    text = sentence(alice)

    assert text == (
        "You have 1,027 credits: 100 bought in 2 purchases, 40 bonus, 1,000 moved here from another account,"
        " less 6 spent in 1 use, less 7 taken by a correction, less 70 taken back after a refund or dispute,"
        " less 30 reserved for something under way."
    )
    assert balance_of(alice).available == 1027


@pytest.mark.parametrize(
    ("may_spend", "meanwhile"),
    [
        (False, "and none can be spent before a purchase settles them"),
        (True, "and your next purchase settles them first"),
    ],
)
def test_the_numbers_add_up_with_debt(
    alice: User, settings: Settings, may_spend: bool, meanwhile: str
) -> None:
    settings.CREDITS_SPENDING_IN_DEBT = may_spend
    buy(alice, "cs_1")
    spend(user=alice, amount=70, scope="tests", key="job:1")
    claw_back(source="cs_1", returned_minor=500, paid_minor=500, scope="tests", key="refund")
    give(alice, 8, "gift")

    text = sentence(alice)

    assert text == (
        f"You have 8 credits: 50 bought on {today()}, 20 bonus, 8 given, less 70 spent in 1 use;"
        f" 70 are owed after a refund or dispute, {meanwhile}."
    )
    assert balance_of(alice).available == (8 if may_spend else 0)


def test_only_debt_is_a_sentence_too(alice: User) -> None:
    buy(alice, "cs_1")
    spend(user=alice, amount=70, scope="tests", key="job:1")
    claw_back(source="cs_1", returned_minor=500, paid_minor=500, scope="tests", key="refund")
    buy(alice, "cs_2", paid=70, bonus=1)

    assert "less 70 that paid a debt" in sentence(alice)


def test_what_has_expired_is_said_booked_or_not(alice: User) -> None:
    give(alice, 8, "gift", expires_after=timedelta(microseconds=1))

    assert sentence(alice) == "You have 0 credits: 8 given, less 8 that expired."


@pytest.fixture
def bought(alice: User, paid: Purchase) -> Purchase:
    """Alice has bought for real, and used 5."""
    fulfilment.settle(paid.stripe_session_id or "", via=Purchase.Via.RETURN)
    spend(user=alice, amount=5, scope="tests", key="secret:1", actor="tests:worker", description="Render")
    paid.refresh_from_db()
    return paid


def test_the_owner_sees_receipts_but_no_key_and_no_actor(alice_client: Client, bought: Purchase) -> None:
    page = alice_client.get(reverse("purchases:why")).content.decode()

    assert "You have 215 credits: 200 bought on" in page
    assert page.count(f'href="/purchases/{bought.uuid}/"') == 3
    assert "Render" in page
    assert "secret:1" not in page
    assert "tests:worker" not in page


def test_somebody_elses_receipt_is_not_linked(bob: User, bought: Purchase) -> None:
    grant(
        user=bob, lots=[NewLot(kind="paid", amount=1)], scope="tests", key="x", purchase_ref=str(bought.uuid)
    )
    client = Client()
    client.force_login(bob, backend="accounts.backends.PasswordBackend")

    page = client.get(reverse("purchases:why")).content.decode()

    assert str(bought.uuid) not in page
    assert "Bought credits" in page


def test_a_reference_of_another_kind_is_no_purchase(alice: User, alice_client: Client) -> None:
    grant(user=alice, lots=[NewLot(kind="paid", amount=1)], scope="tests", key="x", purchase_ref="invoice 12")

    assert alice_client.get(reverse("purchases:why")).status_code == 200


def test_a_visitor_signs_in_first(client: Client, db: None) -> None:
    assert client.get("/purchases/why/")["Location"] == "/accounts/login/?next=/purchases/why/"


def test_the_page_goes_on_page_by_page(alice: User, alice_client: Client) -> None:
    for number in range(30):
        give(alice, 1, f"gift:{number}")

    first = alice_client.get("/purchases/why/")
    second = alice_client.get("/purchases/why/" + first.context["next_url"])

    assert [row.behind.line.seq for row in second.context["rows"]] == [5, 4, 3, 2, 1]
    assert (first.context["first_url"], second.context["first_url"], second.context["next_url"]) == (
        None,
        "?",
        None,
    )


def test_the_statement_leads_here(alice: User, alice_client: Client) -> None:
    give(alice, 1, "gift")

    assert 'href="/purchases/why/"' in alice_client.get("/credits/").content.decode()


@pytest.mark.parametrize("entries", [1, 40])
def test_the_number_of_queries_does_not_grow(alice: User, alice_client: Client, entries: int) -> None:
    for number in range(entries):
        buy(alice, f"cs_{number}")

    with CaptureQueriesContext(connection) as queries:
        alice_client.get("/purchases/why/")

    ledger = [one["sql"] for one in queries if re.search("credits_|purchases_", one["sql"])]
    assert len(ledger) <= 5


@pytest.fixture
def operator(db: None) -> User:
    operator = User.objects.create_user("olga@example.com", "olga-password")
    User.objects.filter(pk=operator.pk).update(is_staff=True)
    operator.user_permissions.set(Permission.objects.filter(codename__in=["view_purchase", "view_entry"]))
    return User.objects.get(pk=operator.pk)


@pytest.fixture
def operators_client(operator: User) -> Client:
    client = Client()
    client.force_login(operator, backend="accounts.backends.PasswordBackend")
    return client


def theirs(user: User) -> str:
    return reverse("admin:purchases_why", args=[user.pk])


def test_an_operator_sees_keys_actors_lots_and_payments(
    operators_client: Client, alice: User, bought: Purchase
) -> None:
    page = operators_client.get(theirs(alice)).content.decode()

    assert "You have 215 credits" in page
    assert "tests: secret:1" in page
    assert "tests:worker" in page
    assert f"/admin/purchases/purchase/{bought.pk}/change/" in page
    assert theirs(alice) in operators_client.get("/admin/purchases/purchase/").content.decode()


def test_a_purchase_without_an_owner_leads_nowhere(operators_client: Client, bought: Purchase) -> None:
    with connection.cursor() as cursor:
        cursor.execute("update purchases_purchase set owner_id = null")

    assert "why?" not in operators_client.get("/admin/purchases/purchase/").content.decode()


def test_staff_without_the_permission_is_refused(
    operators_client: Client, operator: User, alice: User
) -> None:
    operator.user_permissions.set(Permission.objects.filter(codename="view_purchase"))

    assert operators_client.get(theirs(alice)).status_code == 403


def test_a_buyer_is_sent_to_the_admins_sign_in(alice_client: Client, bob: User) -> None:
    assert alice_client.get(theirs(bob)).status_code == 302


def test_nobody_has_no_page(operators_client: Client) -> None:
    assert operators_client.get("/admin/purchases/purchase/why/999999/").status_code == 404


def test_it_is_only_read(operators_client: Client, alice_client: Client, alice: User) -> None:
    assert operators_client.post(theirs(alice)).status_code == 405
    assert alice_client.post("/purchases/why/").status_code == 405
