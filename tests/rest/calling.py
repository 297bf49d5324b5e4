"""A back end with a key: calls the API as another program would."""

import json
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from django.test import Client

_numbers = count(1)


@dataclass
class BackEnd:
    """Knows its key; gives every call that moves credits an Idempotency-Key of its own unless told one."""

    key: str
    http: Client = field(default_factory=lambda: Client(raise_request_exception=False))

    def get(self, path: str) -> Any:
        return self.http.get(f"/api/v1/{path}", headers=self._headers())

    def post(self, path: str, body: Any = None, *, key: str | None = None, **headers: str) -> Any:
        """`body`: a dictionary, or the very bytes."""
        content = body if isinstance(body, bytes) else json.dumps(body if body is not None else {}).encode()
        told = {"Idempotency-Key": key if key is not None else f"test-{next(_numbers)}"}
        return self.http.post(
            f"/api/v1/{path}", content, "application/json", headers={**self._headers(), **told, **headers}
        )

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Api-Key {self.key}"} if self.key else {}


def code_of(response: Any) -> tuple[int, str]:
    """The status and the code of a problem, which it must be."""
    assert response.headers["Content-Type"] == "application/problem+json", response.content
    problem = json.loads(response.content)
    assert problem["status"] == response.status_code
    assert {"type", "title", "status", "detail", "code"} <= set(problem)
    return response.status_code, problem["code"]
