"""GET balance, entries, balance/sync; tiers; lookup."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from structlog.testing import capture_logs

from accounts.models import User
from checkout.models import Tier
from credits.accounts import account_of
from credits.balances import balance_of
from credits.spending import hold, spend
from tests.rest.calling import BackEnd, code_of
from tests.rest.conftest import Give


def test_balance_tells_every_number(back_end: BackEnd, account: uuid.UUID, alice: User, give: Give) -> None:
    give(50)
    spend(user=alice, amount=5, scope="tests", key="a")
    hold(user=alice, amount=10, scope="tests", key="b")

    answer = back_end.get(f"accounts/{account}/balance/").json()

    version = answer.pop("version")
    assert version == balance_of(alice).version
    assert answer == {
        "account": str(account),
        "current": 45,
        "available": 35,
        "held": 10,
        "debt": 0,
        "lifetime": 50,
        "spent": 5,
        "next_expiry": None,
    }


def test_person_reads_their_own_balance(alice_client: Client, alice: User, give: Give) -> None:
    give(50)

    answers = [alice_client.get(f"/api/v1/accounts/{name}/balance/") for name in ("me", account_of(alice))]

    assert [answer.json()["available"] for answer in answers] == [50, 50]
    assert "no-store" in answers[0].headers["Cache-Control"]


@pytest.mark.parametrize("path", ["balance", "entries"])
def test_another_persons_account_is_404_as_an_unknown_one(
    charlie_client: Client, account: uuid.UUID, path: str
) -> None:
    answers = [charlie_client.get(f"/api/v1/accounts/{name}/{path}/") for name in (account, uuid.uuid4())]

    assert [code_of(answer) for answer in answers] == [(404, "not_found")] * 2
    assert answers[0].content == answers[1].content


@pytest.mark.parametrize("path", ["accounts/me/balance/", "accounts/me/entries/", "balance/sync/"])
def test_nobody_is_told_to_show_who_they_are(nobody: BackEnd, db: None, path: str) -> None:
    response = nobody.get(path)

    assert code_of(response) == (401, "not_authenticated")
    assert response.headers["WWW-Authenticate"] == "Api-Key"


def test_visitor_without_an_account_has_nothing(alice_client: Client) -> None:
    answer = alice_client.get("/api/v1/accounts/me/balance/").json()

    assert (answer["current"], answer["version"]) == (0, 0)


def test_entries_have_what_the_contract_names(
    back_end: BackEnd, account: uuid.UUID, alice: User, give: Give
) -> None:
    give(50)
    spend(user=alice, amount=5, description="A picture", scope="tests", key="a")

    page = back_end.get(f"accounts/{account}/entries/").json()

    assert (page["next"], page["previous"]) == (None, None)
    newest = page["results"][0]
    assert uuid.UUID(newest.pop("id"))
    assert uuid.UUID(newest.pop("lot"))
    assert newest.pop("created_at").endswith("Z")
    assert newest == {
        "seq": 2,
        "kind": "spend",
        "amount": -5,
        "balance_after": 45,
        "description": "A picture",
        "purchase": None,
    }
    assert page["results"][1]["kind"] == "promo"


def test_pages_lead_down_and_up_again_and_new_entries_shift_nothing(
    back_end: BackEnd, account: uuid.UUID, give: Give
) -> None:
    for _ in range(120):
        give(1)
    pages = [back_end.get(f"accounts/{account}/entries/").json()]
    give(1)
    while pages[-1]["next"]:
        pages.append(_follow(back_end, pages[-1]["next"]))

    assert [seq for page in pages for seq in _numbers(page)] == list(range(120, 0, -1))
    upwards = _follow(back_end, pages[-1]["previous"])
    assert _numbers(upwards) == _numbers(pages[-2])
    assert _numbers(_follow(back_end, _follow(back_end, upwards["previous"])["previous"])) == [121]


@pytest.mark.parametrize("cursor", ["x", "b", "b1x", "b-1", "a٣", "b" + "9" * 19, "%00", "c5"])
def test_made_up_cursor_is_400(back_end: BackEnd, account: uuid.UUID, cursor: str) -> None:
    assert code_of(back_end.get(f"accounts/{account}/entries/?cursor={cursor}")) == (400, "invalid_cursor")


def test_sync_tells_whether_a_page_is_right(alice_client: Client, alice: User, give: Give) -> None:
    give(50)
    now = balance_of(alice)

    def sync(query: str) -> object:
        return alice_client.get(f"/api/v1/balance/sync/?{query}").json()

    truth = {"version": now.version, "available": 50}
    assert sync(f"version={now.version}&available=50") == {"in_sync": True, **truth}
    assert sync(f"version={now.version}&available=51") == {"in_sync": False, **truth}
    assert sync("version=0&available=50") == {"in_sync": False, **truth}
    assert sync("") == {"in_sync": False, **truth}


def test_another_number_at_the_same_version_is_logged(alice_client: Client, alice: User, give: Give) -> None:
    give(50)
    version = balance_of(alice).version

    with capture_logs() as logs:
        for query in (
            f"version={version}&available=51",
            f"version={version}&available=50",
            "version=0&available=9",
        ):
            alice_client.get(f"/api/v1/balance/sync/?{query}")

    told = [line for line in logs if line["event"] == "balance_disagreement"]
    assert [(line["shown"], line["available"]) for line in told] == [(51, 50)]


@pytest.mark.parametrize("query", ["version=x", "available=-1", "version=1.0", "version=" + "9" * 20])
def test_sync_refuses_what_is_no_number(alice_client: Client, query: str) -> None:
    answer = alice_client.get(f"/api/v1/balance/sync/?{query}")

    assert code_of(answer) == (400, "invalid")
    assert [error["detail"] for error in answer.json()["errors"]] == ["A whole number."]


def test_sync_is_for_browsers(back_end: BackEnd) -> None:
    assert code_of(back_end.get("balance/sync/")) == (403, "session_required")


def test_price_list_is_for_everybody(nobody: BackEnd, plus: Tier, starter: Tier) -> None:
    Tier.objects.create(slug="gone", name="Gone", credits=1, price_minor=100, currency="USD", active=False)

    tiers = nobody.get("tiers/").json()["results"]

    assert [tier["slug"] for tier in tiers] == ["starter", "plus"]
    assert tiers[1] == {
        "slug": "plus",
        "name": "Plus",
        "description": "",
        "credits": 200,
        "bonus_credits": 20,
        "total_credits": 220,
        "price_minor": 1800,
        "currency": "USD",
        "expires_after_days": None,
        "badge": "",
    }


@pytest.mark.parametrize("scope", ["read", "spend", "grant"])
def test_price_list_is_for_every_key(
    key_with: Callable[[list[str]], BackEnd], plus: Tier, scope: str
) -> None:
    assert [tier["slug"] for tier in key_with([scope]).get("tiers/").json()["results"]] == ["plus"]


def test_lookup_finds_an_account_by_number_and_by_address(
    back_end: BackEnd, alice: User, account: uuid.UUID
) -> None:
    for user in (alice.pk, str(alice.pk), "alice@example.com", " Alice@EXAMPLE.com"):
        assert back_end.post("accounts/lookup/", {"user": user}).json() == {"account": str(account)}


def test_lookup_opens_an_account_where_there_is_none(back_end: BackEnd, bob: User) -> None:
    found = back_end.post("accounts/lookup/", {"user": bob.pk}).json()["account"]

    assert back_end.get(f"accounts/{found}/balance/").json()["current"] == 0
    assert back_end.post(f"accounts/{found}/grants/", {"amount": 5, "kind": "promo"}).status_code == 201


@pytest.mark.parametrize("user", [2**62, "nobody@example.com", "x"])
def test_lookup_of_somebody_unknown_is_404(back_end: BackEnd, user: object) -> None:
    assert code_of(back_end.post("accounts/lookup/", {"user": user})) == (404, "not_found")


@pytest.mark.parametrize("user", [None, True, 0, -1, 2**63, 1.0, "", [], {}])
def test_lookup_refuses_what_is_no_user(back_end: BackEnd, user: object) -> None:
    assert code_of(back_end.post("accounts/lookup/", {"user": user})) == (400, "invalid")


def test_lookup_is_for_keys(alice_client: Client, alice: User) -> None:
    response = alice_client.post("/api/v1/accounts/lookup/", {"user": alice.pk}, "application/json")

    assert code_of(response) == (403, "key_required")


def _follow(back_end: BackEnd, url: str) -> Any:
    assert url.startswith("http://testserver/api/v1/")
    return back_end.get(url.removeprefix("http://testserver/api/v1/")).json()


def _numbers(page: Any) -> list[int]:
    return [entry["seq"] for entry in page["results"]]
