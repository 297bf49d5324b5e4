"""POST accounts/ACCOUNT/holds/, capture, release."""

import uuid
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from accounts import api_keys
from accounts.models import User
from credits.balances import balance_of
from credits.transfers import transfer
from tests.rest.calling import BackEnd, code_of
from tests.rest.conftest import Give

Numbers = tuple[int, int]


@pytest.fixture
def held(back_end: BackEnd, account: uuid.UUID, give: Give) -> str:
    """5 of Alice's 50 are put aside."""
    give(50)
    hold: str = back_end.post(f"accounts/{account}/holds/", {"amount": 5}).json()["id"]
    return hold


def numbers(alice: User) -> Numbers:
    now = balance_of(alice)
    return now.available, now.held


def test_hold_puts_credits_aside(back_end: BackEnd, account: uuid.UUID, alice: User, give: Give) -> None:
    give(50)

    response = back_end.post(f"accounts/{account}/holds/", {"amount": 5, "expires_in": 3600})

    assert response.status_code == 201
    answer = response.json()
    ends_in = datetime.fromisoformat(answer.pop("expires_at")) - timezone.now()
    assert timedelta(minutes=59) < ends_in < timedelta(minutes=61)
    assert [part["amount"] for part in answer.pop("taken")] == [5]
    assert uuid.UUID(answer.pop("id"))
    assert answer == {
        "success": True,
        "balance": 50,
        "available": 45,
        "lifetime": 50,
        "spent": 0,
        "amount": 5,
    }
    assert numbers(alice) == (45, 5)


def test_open_holds_are_listed_to_the_client_that_made_them(
    back_end: BackEnd, other: BackEnd, account: uuid.UUID, held: str
) -> None:
    listed = back_end.get(f"accounts/{account}/holds/").json()["results"]

    assert [(hold["id"], hold["amount"], hold["lots"][0]["amount"]) for hold in listed] == [(held, 5, 5)]
    assert other.get(f"accounts/{account}/holds/").json() == {"results": []}


def test_capture_spends_all_of_it(back_end: BackEnd, held: str, alice: User) -> None:
    response = back_end.post(f"holds/{held}/capture/")

    assert response.status_code == 200
    answer = response.json()
    assert (answer["success"], answer["hold"], answer["captured"], answer["released"]) == (True, held, 5, 0)
    assert (answer["balance"], answer["spent"], answer["available"]) == (45, 5, 45)
    assert numbers(alice) == (45, 0)


def test_capture_of_a_part_frees_the_rest_and_can_be_reversed(
    back_end: BackEnd, held: str, alice: User
) -> None:
    captured = back_end.post(f"holds/{held}/capture/", {"amount": 2}).json()
    assert (captured["captured"], captured["released"]) == (2, 3)
    assert numbers(alice) == (48, 0)

    assert back_end.post(f"spends/{captured['id']}/reverse/").status_code == 201
    assert numbers(alice) == (50, 0)


def test_release_frees_it(back_end: BackEnd, held: str, alice: User) -> None:
    response = back_end.post(f"holds/{held}/release/")

    assert (response.status_code, response.json()["released"]) == (200, 5)
    assert numbers(alice) == (50, 0)


@pytest.mark.parametrize("end", ["capture", "release"])
def test_lost_answer_is_given_again(back_end: BackEnd, held: str, alice: User, end: str) -> None:
    first = back_end.post(f"holds/{held}/{end}/", key="job-7")
    before = numbers(alice)

    again = back_end.post(f"holds/{held}/{end}/", key="job-7")

    assert (again.status_code, again.content) == (200, first.content)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert numbers(alice) == before


@pytest.mark.parametrize("end", ["capture", "release"])
def test_hold_ends_once(back_end: BackEnd, held: str, alice: User, end: str) -> None:
    back_end.post(f"holds/{held}/capture/")

    response = back_end.post(f"holds/{held}/{end}/")

    assert code_of(response) == (409, "hold_ended")
    assert response.json()["outcome"] == "captured"
    assert numbers(alice) == (45, 0)


def test_more_than_is_held_cannot_be_captured(back_end: BackEnd, held: str, alice: User) -> None:
    response = back_end.post(f"holds/{held}/capture/", {"amount": 6})

    assert code_of(response) == (409, "more_than_held")
    assert (response.json()["required"], response.json()["held"]) == (6, 5)
    assert numbers(alice) == (45, 5)


def test_a_hold_is_found_on_the_account_that_its_own_was_merged_into(
    back_end: BackEnd, other: BackEnd, account: uuid.UUID, held: str, alice: User, bob: User
) -> None:
    heir = User.objects.create_guest()
    transfer(source=alice, target=heir, scope="tests", key="claim:1")
    transfer(source=heir, target=bob, scope="tests", key="claim:2")
    moved = back_end.post("accounts/lookup/", {"user": bob.pk}).json()["account"]

    listed = back_end.get(f"accounts/{moved}/holds/").json()["results"]

    assert [(hold["id"], hold["amount"]) for hold in listed] == [(held, 5)]
    assert other.get(f"accounts/{moved}/holds/").json() == {"results": []}
    assert back_end.post(f"holds/{listed[0]['id']}/capture/").status_code == 200
    assert back_end.get(f"accounts/{moved}/holds/").json() == {"results": []}


@pytest.mark.parametrize("end", ["capture", "release"])
def test_another_clients_hold_is_404_as_an_unknown_one(
    other: BackEnd, held: str, alice: User, end: str
) -> None:
    answers = [other.post(f"holds/{hold}/{end}/") for hold in (held, uuid.uuid4())]

    assert [code_of(answer) for answer in answers] == [(404, "not_found")] * 2
    assert answers[0].content == answers[1].content
    assert numbers(alice) == (45, 5)


def test_a_rotated_key_ends_what_the_old_one_held(account: uuid.UUID, give: Give, alice: User) -> None:
    give(50)
    made = api_keys.create(name="Shop", scopes=["spend"])
    held = BackEnd(made.key).post(f"accounts/{account}/holds/", {"amount": 5}).json()["id"]

    newer = BackEnd(api_keys.rotate(client=made.client, overlap=timedelta(0)).key)

    assert newer.post(f"holds/{held}/capture/").status_code == 200
    assert numbers(alice) == (45, 0)


def test_hold_of_too_much_is_402(back_end: BackEnd, account: uuid.UUID, give: Give, alice: User) -> None:
    give(4)

    assert code_of(back_end.post(f"accounts/{account}/holds/", {"amount": 5})) == (
        402,
        "insufficient_credits",
    )
    assert numbers(alice) == (4, 0)


@pytest.mark.parametrize("length", [0, -1, 366 * 24 * 3600 + 1, "60", 60.0, None, True])
def test_length_of_a_hold_is_seconds_up_to_a_year(
    back_end: BackEnd, account: uuid.UUID, give: Give, alice: User, length: object
) -> None:
    give(50)

    response = back_end.post(f"accounts/{account}/holds/", {"amount": 5, "expires_in": length})

    assert code_of(response) == (400, "invalid")
    assert numbers(alice) == (50, 0)
