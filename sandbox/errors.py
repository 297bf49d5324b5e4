"""Refusals, worded and shaped as Stripe words and shapes them."""

from typing import Any

DOCS = "https://docs.stripe.com/error-codes/"


class Refusal(Exception):
    """An answer that is an error; `executed` says whether the call got as far as its work."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        type: str = "invalid_request_error",
        code: str = "",
        param: str = "",
        executed: bool = False,
        **more: Any,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.type = type
        self.code = code
        self.param = param
        self.executed = executed
        self.more = more

    def body(self, request_id: str) -> dict[str, Any]:
        error: dict[str, Any] = {"message": self.message, "type": self.type}
        if self.code:
            error |= {"code": self.code, "doc_url": DOCS + self.code.replace("_", "-")}
        if self.param:
            error["param"] = self.param
        error["request_log_url"] = f"https://dashboard.stripe.com/test/logs/{request_id}"
        return {"error": error | self.more}


def bad_parameter(message: str, param: str, code: str = "") -> Refusal:
    return Refusal(message, code=code, param=param)


def missing_object(kind: str, identifier: str, *, param: str = "id", status: int = 404) -> Refusal:
    return Refusal(f"No such {kind}: '{identifier}'", status=status, code="resource_missing", param=param)


def refused_act(message: str, *, code: str = "", param: str = "") -> Refusal:
    """The call was well formed and was tried; its answer is kept for its idempotency key."""
    return Refusal(message, code=code, param=param, executed=True)


def broken_inside(message: str = "An unknown error occurred") -> Refusal:
    return Refusal(message, status=500, type="api_error", executed=True)
