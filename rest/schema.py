"""The OpenAPI description of each call, with what every call may answer beside what it says itself."""

from collections.abc import Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from drf_spectacular.openapi import AutoSchema

from rest.bodies import Body
from rest.problems import CONTENT_TYPE, Problem, body_of, invalid, plain

if TYPE_CHECKING:
    from rest.endpoint import Endpoint  # it needs this module to be loaded first

Described = dict[str, Any]

_KEY_HEADER: Described = {
    "in": "header",
    "name": "Idempotency-Key",
    "required": True,
    "description": "A new one for each new wish; the same one to ask again after a lost answer.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$"},
    "example": "job-7",
}
_REPLAYED_HEADER: Described = {
    "description": "The answer is that of the first call, byte by byte.",
    "schema": {"type": "string", "enum": ["true"]},
}
_RETRY_HEADER: Described = {"description": "Seconds.", "schema": {"type": "string"}}
_WRONG_BODY = invalid("amount", "A JSON integer from 1 to 1000000000000.")
_NO_IDEMPOTENCY = Problem(
    400, "idempotency_key_missing", "Send an Idempotency-Key: a new one for each new wish."
)
_WRONG_KEY = Problem(401, "invalid_key", "The key is unknown, revoked or expired.")


class CallSchema(AutoSchema):
    """Adds to a call its security, its Idempotency-Key and the problems that any call may meet."""

    view: "Endpoint"  # type: ignore[override]

    def get_operation(self, *args: Any, **kwargs: Any) -> Described | None:
        operation: Described | None = super().get_operation(*args, **kwargs)
        if operation is None:
            return None
        if self._moves_credits():
            operation["parameters"] = [*operation.get("parameters", []), _KEY_HEADER]
            for answer in operation["responses"].values():
                answer["headers"] = {"Idempotency-Replayed": _REPLAYED_HEADER}
        for parameter in operation.get("parameters", []):
            parameter.setdefault("description", self.view.path_help.get(parameter["name"], ""))
        for status, answer in operation["responses"].items():
            answer["description"] = answer["description"] or HTTPStatus(int(status)).phrase
        operation["responses"] |= _refusals([*self._own_problems(), *self._common_problems()])
        return operation

    def get_auth(self) -> list[dict[str, list[str]]]:
        ways: list[dict[str, list[str]]] = [{"ApiKey": []}] if self._takes_keys() else []
        if self.view.admits_buyers:
            ways.append({"Session": []})
        return [*ways, {}] if self.view.admits_visitors else ways

    def get_tags(self) -> list[str]:
        room: str = type(self.view).__module__.partition(".")[0]
        return [room]

    def get_description(self) -> str:  # type: ignore[override]
        scope = self.view.required_scopes.get(self.method)
        said = super().get_description()
        return f"{said}\n\nA key needs the scope `{scope}`." if scope else said

    def _postprocess_serializer_schema(self, schema: Any, serializer: Any, direction: Any) -> Any:
        described: Described = dict(
            super()._postprocess_serializer_schema(schema, serializer, direction)  # type: ignore[no-untyped-call]
        )
        if isinstance(serializer, Body):
            described["additionalProperties"] = False
        if (example := getattr(serializer, "example", None)) is not None:
            described["examples"] = [example]
        return described

    def _takes_keys(self) -> bool:
        return self.method in self.view.required_scopes

    def _moves_credits(self) -> bool:
        return self.view.moves_credits and self.method == "POST"

    def _own_problems(self) -> Iterable[Problem]:
        return self.view.refuses.get(self.method, ())

    def _common_problems(self) -> Iterable[Problem]:
        if self.method == "POST":
            yield _WRONG_BODY
            yield from (plain(413), plain(415))
            yield Problem(411, "length_required", "Send the body with a Content-Length, not in chunks.")
        if self._moves_credits():
            yield _NO_IDEMPOTENCY
        if not self.view.admits_visitors:
            yield plain(401)
        if self._takes_keys() and not self.view.admits_visitors:
            yield _WRONG_KEY
            yield Problem(403, "scope_missing", "The key lacks the scope.", required_scope="read")
        if self.method == "POST" and (self.view.admits_buyers or self.view.admits_visitors):
            yield Problem(403, "csrf_failed", "The CSRF token is missing or wrong: send X-CSRFToken.")
        if not self.view.admits_visitors and not self._takes_keys():
            yield Problem(403, "session_required", "This belongs to a signed-in buyer: a key has none.")
        if not self.view.admits_buyers and not self.view.admits_visitors:
            yield Problem(403, "key_required", "Only an API key may do this.")
        if "{" in self.path:
            yield plain(404)
        yield from (plain(status) for status in (405, 429, 500, 503))


def _refusals(problems: Iterable[Problem]) -> Described:
    by_status: dict[str, list[Problem]] = {}
    for problem in problems:
        by_status.setdefault(str(problem.status_code), []).append(problem)
    return {status: _refusal(HTTPStatus(int(status)), told) for status, told in sorted(by_status.items())}


def _refusal(status: HTTPStatus, problems: list[Problem]) -> Described:
    examples = {problem.code: {"value": body_of(problem)} for problem in problems}
    schema = {"$ref": "#/components/schemas/Problem"}
    answer: Described = {
        "description": status.phrase,
        "content": {CONTENT_TYPE: {"schema": schema, "examples": examples}},
    }
    if status in (429, 503):
        answer["headers"] = {"Retry-After": _RETRY_HEADER}
    return answer
