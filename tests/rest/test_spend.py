"""POST accounts/ACCOUNT/spend/"""

import uuid

import pytest

from accounts import api_keys
from accounts.models import User
from credits.balances import balance_of, history_of
from tests.rest.calling import BackEnd, code_of
from tests.rest.conftest import Give


def test_spend_takes_credits_and_tells_from_which_lots(
    back_end: BackEnd, account: uuid.UUID, alice: User, give: Give
) -> None:
    give(50)

    response = back_end.post(f"accounts/{account}/spend/", {"amount": 20, "description": "A picture"})

    assert response.status_code == 201
    answer = response.json()
    assert uuid.UUID(answer.pop("id"))
    assert [part["amount"] for part in answer.pop("taken")] == [20]
    assert answer == {"success": True, "balance": 30, "lifetime": 50, "spent": 20, "available": 30}
    assert history_of(alice)[0].description == "A picture"


def test_same_key_moves_credits_once_and_answers_byte_by_byte(
    back_end: BackEnd, account: uuid.UUID, alice: User, give: Give
) -> None:
    give(50)
    first = back_end.post(f"accounts/{account}/spend/", {"amount": 20}, key="job-7")
    give(5)

    again = back_end.post(f"accounts/{account}/spend/", {"amount": 20}, key="job-7")

    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert balance_of(alice).current == 35


@pytest.mark.parametrize("other", [{"amount": 21}, {"amount": 20, "description": "x"}])
def test_same_key_for_another_body_is_refused(
    back_end: BackEnd, account: uuid.UUID, alice: User, give: Give, other: dict[str, object]
) -> None:
    give(50)
    back_end.post(f"accounts/{account}/spend/", {"amount": 20}, key="job-7")

    response = back_end.post(f"accounts/{account}/spend/", other, key="job-7")

    assert code_of(response) == (422, "idempotency_key_reused")
    assert balance_of(alice).current == 30


def test_rotated_keys_share_what_the_client_asked_for(account: uuid.UUID, alice: User, give: Give) -> None:
    give(50)
    made = api_keys.create(name="Shop", scopes=["spend"])
    BackEnd(made.key).post(f"accounts/{account}/spend/", {"amount": 20}, key="job-7")

    newer = BackEnd(api_keys.rotate(client=made.client).key)
    again = newer.post(f"accounts/{account}/spend/", {"amount": 20}, key="job-7")

    assert again.headers["Idempotency-Replayed"] == "true"
    assert balance_of(alice).current == 30


def test_clients_have_keys_of_their_own(
    back_end: BackEnd, other: BackEnd, account: uuid.UUID, alice: User, give: Give
) -> None:
    give(50)

    answers = [
        client.post(f"accounts/{account}/spend/", {"amount": 20}, key="job-7") for client in (back_end, other)
    ]

    assert [answer.status_code for answer in answers] == [201, 201]
    assert balance_of(alice).current == 10


def test_too_little_is_402_with_what_is_there_and_where_to_get_more(
    back_end: BackEnd, account: uuid.UUID, alice: User, give: Give
) -> None:
    give(20)

    response = back_end.post(f"accounts/{account}/spend/", {"amount": 50}, key="job-7")

    assert code_of(response) == (402, "insufficient_credits")
    problem = response.json()
    assert (problem["required"], problem["available"]) == (50, 20)
    assert problem["top_up_url"] == "http://testserver/pricing/"
    assert balance_of(alice).current == 20


def test_refusal_is_not_stored(back_end: BackEnd, account: uuid.UUID, alice: User, give: Give) -> None:
    back_end.post(f"accounts/{account}/spend/", {"amount": 50}, key="job-7")
    give(50)

    response = back_end.post(f"accounts/{account}/spend/", {"amount": 50}, key="job-7")

    assert (response.status_code, response.headers.get("Idempotency-Replayed")) == (201, None)


def test_unknown_account_is_404(back_end: BackEnd) -> None:
    for account in (str(uuid.uuid4()), "nonsense", "me", "%00"):
        assert code_of(back_end.post(f"accounts/{account}/spend/", {"amount": 1})) == (404, "not_found")


@pytest.mark.parametrize("key", ["", "a" * 256, "é", "a\tb"])
def test_idempotency_key_is_1_to_255_printable_ascii(
    back_end: BackEnd, account: uuid.UUID, alice: User, give: Give, key: str
) -> None:
    give(50)

    response = back_end.post(f"accounts/{account}/spend/", {"amount": 1}, key=key)

    assert response.status_code == 400
    assert balance_of(alice).current == 50


@pytest.mark.parametrize("key", ["a" * 255, "~ !"])
def test_longest_and_oddest_idempotency_keys_serve(
    back_end: BackEnd, account: uuid.UUID, give: Give, key: str
) -> None:
    give(50)

    assert back_end.post(f"accounts/{account}/spend/", {"amount": 1}, key=key).status_code == 201
