"""POST accounts/ACCOUNT/grants/ and spends/ID/reverse/; accounts in debt or merged."""

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import User
from credits.balances import balance_of, history_of
from credits.deposits import NewLot, claw_back, grant
from credits.spending import spend
from credits.transfers import transfer
from tests.rest.calling import BackEnd, code_of
from tests.rest.conftest import Give


@pytest.mark.parametrize("kind", ["promo", "bonus", "adjustment"])
def test_grant_gives_credits_of_its_kind(
    back_end: BackEnd, account: uuid.UUID, alice: User, kind: str
) -> None:
    body = {"amount": 30, "kind": kind, "description": "Welcome", "metadata": {"campaign": "spring"}}

    response = back_end.post(f"accounts/{account}/grants/", body)

    assert response.status_code == 201
    answer = response.json()
    assert uuid.UUID(answer.pop("id"))
    assert answer == {"success": True, "balance": 30, "lifetime": 30, "spent": 0, "added": 30}
    assert (history_of(alice)[0].kind, history_of(alice)[0].description) == (kind, "Welcome")


@pytest.mark.parametrize("kind", ["paid", "purchase", "", None, 1, ["promo"], "PROMO"])
def test_paid_credits_and_made_up_kinds_are_refused(
    back_end: BackEnd, account: uuid.UUID, alice: User, kind: object
) -> None:
    response = back_end.post(f"accounts/{account}/grants/", {"amount": 30, "kind": kind})

    assert code_of(response) == (400, "invalid")
    assert balance_of(alice).current == 0


def test_grant_may_expire(back_end: BackEnd, account: uuid.UUID, alice: User) -> None:
    ends = timezone.now() + timedelta(days=2)
    body = {"amount": 30, "kind": "promo", "expires_at": ends.isoformat()}

    assert back_end.post(f"accounts/{account}/grants/", body).status_code == 201
    assert balance_of(alice).next_expiry == ends


def test_same_instant_in_another_zone_is_the_same_request(
    back_end: BackEnd, account: uuid.UUID, alice: User
) -> None:
    answers = [
        back_end.post(
            f"accounts/{account}/grants/", {"amount": 30, "kind": "promo", "expires_at": at}, key="x"
        )
        for at in ("2090-01-31T12:00:00Z", "2090-01-31T13:00:00+01:00")
    ]

    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].content == answers[1].content
    assert balance_of(alice).current == 30


NO_INSTANTS = ["2001-01-01T00:00:00Z", "2090-01-31", "2090-01-31T12:00:00", "soon", 4102444800, None, ""]
# 2090 in Arabic digits, and white space where RFC 3339 has none.
NO_INSTANTS += [
    "\u0662\u0660\u0669\u0660-01-31T12:00:00Z",
    "2090-01-31T12:00:00Z\n",
    "2090-01-31T12:00:00\nZ",
]


@pytest.mark.parametrize("at", NO_INSTANTS)
def test_expiry_is_an_instant_to_come(back_end: BackEnd, account: uuid.UUID, alice: User, at: object) -> None:
    response = back_end.post(f"accounts/{account}/grants/", {"amount": 1, "kind": "promo", "expires_at": at})

    assert code_of(response) == (400, "invalid")
    assert balance_of(alice).current == 0


@pytest.fixture
def spent(back_end: BackEnd, account: uuid.UUID, give: Give) -> str:
    """20 of Alice's 50 are spent."""
    give(50)
    made: str = back_end.post(f"accounts/{account}/spend/", {"amount": 20}).json()["id"]
    return made


def test_reversal_gives_everything_back_once(back_end: BackEnd, spent: str, alice: User) -> None:
    response = back_end.post(f"spends/{spent}/reverse/")

    assert response.status_code == 201
    answer = response.json()
    assert (answer["balance"], answer["spent"], answer["reversed"], answer["spend"]) == (50, 0, 20, spent)
    assert [part["amount"] for part in answer["given_back"]] == [20]
    assert code_of(back_end.post(f"spends/{spent}/reverse/")) == (409, "already_reversed")
    assert balance_of(alice).current == 50


def test_reversal_in_parts_goes_up_to_the_original(back_end: BackEnd, spent: str, alice: User) -> None:
    answers = [back_end.post(f"spends/{spent}/reverse/", {"amount": 8}) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [201, 201, 409]
    assert answers[2].json()["reversible"] == 4
    assert balance_of(alice).current == 46


def test_replayed_reversal_moves_nothing(back_end: BackEnd, spent: str, alice: User) -> None:
    answers = [back_end.post(f"spends/{spent}/reverse/", {"amount": 8}, key="job-7") for _ in range(2)]

    assert answers[0].content == answers[1].content
    assert answers[1].headers["Idempotency-Replayed"] == "true"
    assert balance_of(alice).current == 38


def test_another_clients_spend_is_404_as_an_unknown_one(other: BackEnd, spent: str, alice: User) -> None:
    answers = [other.post(f"spends/{spend}/reverse/") for spend in (spent, uuid.uuid4())]

    assert [code_of(answer) for answer in answers] == [(404, "not_found")] * 2
    assert balance_of(alice).current == 30


def test_debt_is_402_with_a_code_of_its_own(back_end: BackEnd, account: uuid.UUID, alice: User) -> None:
    _owe_30(alice)

    for path in ("spend", "holds"):
        response = back_end.post(f"accounts/{account}/{path}/", {"amount": 5})
        assert code_of(response) == (402, "account_in_debt")
        assert (response.json()["required"], response.json()["available"], response.json()["debt"]) == (
            5,
            0,
            30,
        )
    assert back_end.get(f"accounts/{account}/balance/").json()["debt"] == 30


def test_reversal_of_what_was_refunded_pays_the_debt(
    back_end: BackEnd, account: uuid.UUID, alice: User
) -> None:
    _buy(alice, 100)
    spent = back_end.post(f"accounts/{account}/spend/", {"amount": 100}).json()["id"]
    _refund()

    answer = back_end.post(f"spends/{spent}/reverse/").json()

    assert (answer["reversed"], answer["available"], answer["balance"]) == (100, 0, 0)
    assert (balance_of(alice).debt, balance_of(alice).available) == (0, 0)


def test_merged_account_tells_where_its_credits_went(
    back_end: BackEnd, account: uuid.UUID, alice: User, bob: User, give: Give
) -> None:
    give(50)
    done = back_end.post(f"accounts/{account}/spend/", {"amount": 5}, key="before")
    transfer(source=alice, target=bob, scope="tests", key="claim")
    heir = back_end.post("accounts/lookup/", {"user": bob.pk}).json()["account"]

    calls = [
        back_end.get(f"accounts/{account}/balance/"),
        back_end.get(f"accounts/{account}/entries/"),
        back_end.get(f"accounts/{account}/holds/"),
        back_end.post(f"accounts/{account}/spend/", {"amount": 5}),
        back_end.post(f"accounts/{account}/holds/", {"amount": 5}),
        back_end.post(f"accounts/{account}/grants/", {"amount": 5, "kind": "promo"}),
        back_end.post("accounts/lookup/", {"user": alice.pk}),
    ]

    for response in calls:
        assert code_of(response) == (409, "account_merged")
        assert response.json()["account"] == heir
    again = back_end.post(f"accounts/{account}/spend/", {"amount": 5}, key="before")
    assert (again.status_code, again.content) == (201, done.content)


def _owe_30(alice: User) -> None:
    _buy(alice, 100)
    spend(user=alice, amount=30, scope="tests", key="use")
    _refund()


def _buy(user: User, amount: int) -> None:
    paid = NewLot(kind="paid", amount=amount, price_minor=1000, currency="USD")
    grant(user=user, lots=[paid], kind="purchase", source="cs_1", scope="tests", key="buy")


def _refund() -> None:
    claw_back(source="cs_1", returned_minor=1000, paid_minor=1000, scope="tests", key="refund")
