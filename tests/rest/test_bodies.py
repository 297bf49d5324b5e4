"""What a body may be: nothing that is not exactly a spend, a grant, a hold ever moves a credit."""

import json
import uuid
from collections.abc import Iterator

import pytest

from accounts.models import User
from credits.balances import balance_of, history_of
from rest.strict_json import MOST_BYTES
from tests.rest.calling import BackEnd, code_of
from tests.rest.conftest import Give

AMOUNTS = [
    "NaN",
    "Infinity",
    "-Infinity",
    "1e400",
    "true",
    "null",
    '""',
    '"5"',
    '" 5 "',
    '"5_0"',
    '"\u0665"',
    "\u0665",
    "5_0",
    "5.0",
    "1e2",
    "0",
    "-0",
    "-1",
    "05",
    "+5",
    "0x5",
    str(10**12 + 1),
    str(2**63),
    "9" * 40,
    "9" * 5000,
    "[5]",
    '{"$numberLong": 5}',
    "5, ",
    '5, "amount": 5',
]
NOT_JSON = {
    "nothing": b" ",
    "half": b'{"amount": 5',
    "two": b'{"amount": 5}{"amount": 5}',
    "a comment": b'{"amount": 5} // five',
    "single quotes": b"{'amount': 5}",
    "a byte order mark": b'\xef\xbb\xbf{"amount": 5}',
    "Latin-1": b'{"amount": 5, "description": "caf\xe9"}',
    "UTF-16": '{"amount": 5}'.encode("utf-16"),
    "UTF-32": '{"amount": 5}'.encode("utf-32"),
    "NUL": b'{"amount": 5, "description": "\\u0000"}',
    "NUL in a name": b'{"amount": 5, "metadata": {"a\\u0000": 1}}',
    "a raw NUL": b'{"amount": 5, "description": "\x00"}',
    "a raw line break": b'{"amount": 5, "description": "a\nb"}',
    "half a surrogate pair": b'{"amount": 5, "description": "\\ud800"}',
    "the other half": b'{"amount": 5, "metadata": {"a": ["\\udc00"]}}',
    "encoded surrogates": b'{"amount": 5, "description": "\xed\xa0\x80"}',
    "repeated in metadata": b'{"amount": 5, "metadata": {"a": 1, "a": 2}}',
    "too large a number in metadata": b'{"amount": 5, "metadata": {"a": 1e999}}',
    "50,000 levels of arrays": b'{"amount": ' + b"[" * 50_000 + b"]" * 50_000 + b"}",
    "50,000 levels of objects": b'{"amount": ' + b'{"a":' * 50_000 + b"1" + b"}" * 50_000 + b"}",
    "50,000 levels, open": b"[" * 50_000,
    "21 levels": b'{"amount": 5, "metadata": {"a": ' + b"[" * 19 + b"]" * 19 + b"}}",
}
NOT_A_SPEND = {
    "an array": [],
    "a text": "amount",
    "a number": 5,
    "null": None,
    "no amount": {},
    "an unknown member": {"amount": 5, "balance": 100},
    "a member in another case": {"Amount": 5},
    "somebody else": {"amount": 5, "user": 1},
    "a description that is none": {"amount": 5, "description": 7},
    "a long description": {"amount": 5, "description": "x" * 501},
    "null for a description": {"amount": 5, "description": None},
    "metadata that is none": {"amount": 5, "metadata": []},
    "metadata without an end": {"amount": 5, "metadata": {"a": "x" * 10_001}},
}


@pytest.fixture(autouse=True)
def _nothing_moves(alice: User, give: Give) -> Iterator[None]:
    give(50)
    yield
    assert balance_of(alice).current == 50
    assert balance_of(alice).held == 0


@pytest.mark.parametrize("amount", AMOUNTS, ids=lambda text: text[:20])
def test_amount_is_a_json_integer_from_1_to_10_to_the_12th(
    back_end: BackEnd, account: uuid.UUID, amount: str
) -> None:
    bodies = {
        "spend": f'{{"amount": {amount}}}',
        "holds": f'{{"amount": {amount}}}',
        "grants": f'{{"kind": "promo", "amount": {amount}}}',
    }
    for path, body in bodies.items():
        assert code_of(back_end.post(f"accounts/{account}/{path}/", body.encode()))[0] == 400


@pytest.mark.parametrize("body", NOT_JSON.values(), ids=NOT_JSON)
def test_what_is_not_strict_json_is_400(back_end: BackEnd, account: uuid.UUID, body: bytes) -> None:
    assert code_of(back_end.post(f"accounts/{account}/spend/", body)) == (400, "malformed_json")


@pytest.mark.parametrize(
    ("body", "member"),
    [
        (b'{"amount": 5, "description": "a\\u0000"}', "description"),
        (b'{"amount": 5, "metadata": {"deep": [{"er": "\\ud800"}]}}', "metadata.deep.er"),
        (b'{"amount": 5, "metadata": {"a\\u0000": "b\\u0000"}}', "metadata"),
    ],
)
def test_a_text_that_cannot_be_kept_is_named(
    back_end: BackEnd, account: uuid.UUID, body: bytes, member: str
) -> None:
    problem = back_end.post(f"accounts/{account}/spend/", body).json()

    assert [error["member"] for error in problem["errors"]] == [member]
    assert problem["detail"].startswith(f"{member}: Text ")


@pytest.mark.parametrize("body", NOT_A_SPEND.values(), ids=NOT_A_SPEND)
def test_what_is_not_a_spend_is_400_and_says_what_is_wrong(
    back_end: BackEnd, account: uuid.UUID, body: object
) -> None:
    response = back_end.post(f"accounts/{account}/spend/", json.dumps(body).encode())

    assert code_of(response) == (400, "invalid")
    assert response.json()["errors"][0]["detail"]


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "text/json",
        "application/xml",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json; charset=utf-16",
        "application/json; charset=latin-1",
        "application/json; charset=utf-7",
        "application/json; charset=nonsense",
        "application/problem+json",
        "",
    ],
)
def test_other_content_is_415(back_end: BackEnd, account: uuid.UUID, content_type: str) -> None:
    response = back_end.http.generic(
        "POST",
        f"/api/v1/accounts/{account}/spend/",
        b'{"amount": 5}',
        content_type,
        headers={"Authorization": f"Api-Key {back_end.key}", "Idempotency-Key": "x"},
    )

    assert code_of(response) == (415, "unsupported_media_type")


def test_body_in_chunks_is_411_and_not_taken_for_an_empty_one(back_end: BackEnd, account: uuid.UUID) -> None:
    response = back_end.http.generic(
        "POST",
        f"/api/v1/accounts/{account}/spend/",
        b"",
        "application/json",
        headers={
            "Authorization": f"Api-Key {back_end.key}",
            "Idempotency-Key": "x",
            "Transfer-Encoding": "chunked",
        },
    )

    assert code_of(response) == (411, "length_required")


def test_body_over_a_mebibyte_is_413(back_end: BackEnd, account: uuid.UUID) -> None:
    body = b'{"amount": 5, "description": "' + b"x" * MOST_BYTES + b'"}'

    assert code_of(back_end.post(f"accounts/{account}/spend/", body)) == (413, "body_too_large")


@pytest.mark.parametrize("path", ["holds/{}/release/", "holds/{}/capture/", "spends/{}/reverse/"])
def test_unknown_members_are_refused_where_none_is_needed_too(back_end: BackEnd, path: str) -> None:
    response = back_end.post(path.format(uuid.uuid4()), {"force": True})

    assert code_of(response) == (400, "invalid")


def test_metadata_and_text_arrive_as_they_were_sent(
    back_end: BackEnd, account: uuid.UUID, alice: User
) -> None:
    told = {
        "amount": 5,
        "description": " Größe 🙂 <b>&\u2028",
        "metadata": {"a": [1.5, None, {"b": "\ud83d\ude42"}]},
    }
    for content_type in ("application/json", "application/json; charset=UTF-8", "Application/JSON"):
        response = back_end.http.post(
            f"/api/v1/accounts/{account}/spend/",
            json.dumps(told),
            content_type,
            headers={"Authorization": f"Api-Key {back_end.key}", "Idempotency-Key": "one"},
        )
        assert response.status_code == 201
    line = history_of(alice)[0]
    assert line.description == told["description"]
    back_end.post(f"spends/{response.json()['id']}/reverse/")
