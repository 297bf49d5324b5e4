"""The ledger in the admin: lists and searches, and no way to write."""

import pytest
from django.test import Client

from accounts.models import User
from credits.models import Account, Entry, LedgerTransaction, Lot
from tests.credits.conftest import Give, Take

LISTS = ["account", "ledgertransaction", "entry", "lot", "hold"]


@pytest.fixture
def operator(db: None) -> Client:
    client = Client()
    boss = User.objects.create_superuser("boss@example.com")
    client.force_login(boss, backend="accounts.backends.PasswordBackend")
    return client


@pytest.fixture
def ledger(give: Give, take: Take) -> None:
    give(50)
    take(20, "job:1")


@pytest.mark.parametrize("name", LISTS)
def test_each_table_is_listed(operator: Client, ledger: None, name: str) -> None:
    assert operator.get(f"/admin/credits/{name}/").status_code == 200


@pytest.mark.parametrize("name", LISTS)
def test_nothing_is_added(operator: Client, name: str) -> None:
    assert operator.get(f"/admin/credits/{name}/add/").status_code == 403


@pytest.mark.parametrize(
    ("name", "model"),
    [("account", Account), ("ledgertransaction", LedgerTransaction), ("entry", Entry), ("lot", Lot)],
)
def test_nothing_is_changed_or_deleted(operator: Client, ledger: None, name: str, model: type) -> None:
    row = model._default_manager.first()  # type: ignore[attr-defined]
    page = f"/admin/credits/{name}/{row.pk}/"

    assert operator.get(page + "change/").status_code == 200
    assert operator.post(page + "change/", {"amount": 9}).status_code == 403
    assert operator.post(page + "delete/", {"post": "yes"}).status_code == 403
    assert model._default_manager.filter(pk=row.pk).exists()  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", ["account", "ledgertransaction", "entry", "lot"])
def test_a_person_is_found_by_e_mail(
    operator: Client, ledger: None, bob: User, give: Give, name: str
) -> None:
    give(7, user=bob)

    response = operator.get(f"/admin/credits/{name}/", {"q": "bob@example.com"})

    assert response.context["cl"].result_count == 1


def test_a_transaction_is_found_by_its_key(operator: Client, ledger: None) -> None:
    response = operator.get("/admin/credits/ledgertransaction/", {"q": "job:1"})

    assert [row.amount for row in response.context["cl"].result_list] == [20]
