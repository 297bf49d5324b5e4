"""The OpenAPI description, and docs/api.md beside it, say of everything what it is."""

from typing import Any

import pytest
from django.conf import settings

from rest.description import description
from rest.problems import PLAIN


@pytest.fixture(scope="module")
def calls() -> list[dict[str, Any]]:
    return [call for calls in description()["paths"].values() for call in calls.values()]


def test_every_call_parameter_and_shape_is_described(calls: list[dict[str, Any]]) -> None:
    parameters = [parameter for call in calls for parameter in call.get("parameters", [])]
    shapes = description()["components"]["schemas"]

    assert [
        call["operationId"] for call in calls if not (call.get("summary") and call.get("description"))
    ] == []
    assert [parameter["name"] for parameter in parameters if not parameter.get("description")] == []
    assert [
        name for name, shape in shapes.items() if "enum" not in shape and not shape.get("description")
    ] == []


def test_every_code_is_explained(calls: list[dict[str, Any]]) -> None:
    answers = [answer for call in calls for answer in call["responses"].values()]
    examples = [
        answer["content"].get("application/problem+json", {}).get("examples", {}) for answer in answers
    ]
    guide = (settings.BASE_DIR / "docs/api.md").read_text()

    codes = {code for told in examples for code in told} | {code for code, _ in PLAIN.values()}
    assert [code for code in sorted(codes) if f"`{code}`" not in guide] == []
