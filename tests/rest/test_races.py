"""Many clients at once, over the whole road: header, body, key, ledger."""

import uuid
from typing import Any

import pytest

from accounts.models import User
from credits.balances import balance_of, history_of
from tests.rest.calling import BackEnd
from tests.rest.conftest import Give
from tests.together import together

pytestmark = pytest.mark.django_db(transaction=True)
MANY = 50


def statuses(answers: list[Any]) -> list[int]:
    return sorted(answer.status_code for answer in answers)


def test_same_key_from_fifty_callers_is_one_entry(
    back_end: BackEnd, account: uuid.UUID, alice: User, give: Give
) -> None:
    give(100)

    answers: list[Any] = together(*[lambda: _spend(back_end.key, account, key="job-7")] * MANY)

    assert statuses(answers) == [201] * MANY
    assert len({answer.content for answer in answers}) == 1
    assert sum("Idempotency-Replayed" not in answer.headers for answer in answers) == 1
    assert (balance_of(alice).current, len(history_of(alice))) == (99, 2)


def test_fifty_callers_spend_exactly_what_is_there(
    back_end: BackEnd, account: uuid.UUID, alice: User, give: Give
) -> None:
    give(20)

    answers = together(*[lambda: _spend(back_end.key, account, key=uuid.uuid4().hex)] * MANY)

    assert statuses(answers) == [201] * 20 + [402] * 30
    assert balance_of(alice).current == 0


def test_capture_and_release_at_once_end_a_hold_once(
    back_end: BackEnd, account: uuid.UUID, alice: User, give: Give
) -> None:
    give(50)
    hold = back_end.post(f"accounts/{account}/holds/", {"amount": 5}).json()["id"]
    ends = [
        lambda end=end: BackEnd(back_end.key).post(f"holds/{hold}/{end}/") for end in ("capture", "release")
    ]

    answers = together(*ends * 4)

    assert statuses(answers) == [200] + [409] * 7
    assert balance_of(alice).held == 0


def test_reversals_at_once_give_back_once(
    back_end: BackEnd, account: uuid.UUID, alice: User, give: Give
) -> None:
    give(50)
    spent = back_end.post(f"accounts/{account}/spend/", {"amount": 20}).json()["id"]

    answers = together(*[lambda: BackEnd(back_end.key).post(f"spends/{spent}/reverse/")] * 8)

    assert statuses(answers) == [201] + [409] * 7
    assert balance_of(alice).current == 50


def _spend(api_key: str, account: uuid.UUID, *, key: str) -> Any:
    return BackEnd(api_key).post(f"accounts/{account}/spend/", {"amount": 1}, key=key)
