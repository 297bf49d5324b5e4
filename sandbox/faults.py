"""Faults on order: which calls go wrong, how, how often. They last until used up, restarts included."""

import threading
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from fnmatch import fnmatchcase
from typing import Any

from sandbox.errors import Refusal
from sandbox.store import Store
from sandbox.web import Response, json_answer

KINDS = ("status", "html", "half", "reset", "hold", "delay")
LONGEST_HOLD_SECONDS = 900
_SETTING = "faults"


@dataclass(frozen=True, kw_only=True)
class Fault:
    """`when`: before or after the call has acted. `seconds`: waited at that moment, whatever the kind."""

    id: int
    endpoint: str
    kind: str
    status: int = 500
    when: str = "before"
    seconds: float = 0
    count: int = 1
    skip: int = 0
    headers: Mapping[str, str] | None = None
    message: str = ""

    def covers(self, method: str, path: str) -> bool:
        return fnmatchcase(
            f"{method} {path}", self.endpoint if " " in self.endpoint else f"* {self.endpoint}"
        )


class Faults:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._released = threading.Condition()
        self._generation = 0
        self._holding = 0
        self._faults = [Fault(**kept) for kept in store.setting(_SETTING, [])]

    def add(self, asked: Mapping[str, Any]) -> Fault:
        unknown = set(asked) - (set(Fault.__dataclass_fields__) - {"id"})
        if unknown:
            raise Refusal(f"A fault has no {', '.join(sorted(unknown))}.")
        if asked.get("kind") not in KINDS or asked.get("when", "before") not in {"before", "after"}:
            raise Refusal(f"A fault needs a kind ({', '.join(KINDS)}), and `when` is before or after.")
        if not isinstance(asked.get("endpoint"), str):
            raise Refusal("A fault needs an endpoint, such as 'POST /v1/checkout/sessions' or 'GET /v1/*'.")
        with self._lock:
            fault = Fault(id=max((kept.id for kept in self._faults), default=0) + 1, **asked)
            self._keep([*self._faults, fault])
        return fault

    def all(self) -> list[dict[str, Any]]:
        return [asdict(fault) for fault in self._faults]

    def clear(self) -> None:
        with self._lock:
            self._keep([])
        self.release()

    def take(self, method: str, path: str) -> Fault | None:
        """The oldest fault ordered for this call; one of its count is used up, or one of its skips."""
        with self._lock:
            for number, fault in enumerate(self._faults):
                if not fault.covers(method, path):
                    continue
                skipped = fault.skip > 0
                left = (
                    replace(fault, skip=fault.skip - 1) if skipped else replace(fault, count=fault.count - 1)
                )
                rest = [left] if left.count > 0 else []
                self._keep([*self._faults[:number], *rest, *self._faults[number + 1 :]])
                return None if skipped else fault
        return None

    @property
    def holding(self) -> int:
        """How many answers are being held right now."""
        return self._holding

    def hold(self) -> None:
        with self._released:
            asked = self._generation
            self._holding += 1
            try:
                self._released.wait_for(lambda: self._generation != asked, timeout=LONGEST_HOLD_SECONDS)
            finally:
                self._holding -= 1

    def release(self) -> int:
        with self._released:
            self._generation += 1
            self._released.notify_all()
            return self._holding

    def pause(self, fault: Fault | None, when: str) -> None:
        """Waits where the fault says so."""
        if fault is None or fault.when != when:
            return
        if fault.seconds:
            time.sleep(fault.seconds)
        if fault.kind == "hold":
            self.hold()

    def _keep(self, faults: list[Fault]) -> None:
        self._faults = faults
        self._store.set(_SETTING, self.all())


def broken_answer(fault: Fault, whole: Response | None) -> Response | None:
    """What the caller gets instead; None where the fault only waits. `whole`: the true answer, if any."""
    match fault.kind:
        case "status":
            return json_answer(error_body(fault), status=fault.status, headers=fault.headers)
        case "html":
            page = b"<!doctype html><title>Please wait</title><h1>We will be right back</h1>"
            return Response(status=200, body=page, headers={"Content-Type": "text/html"})
        case "reset":
            return Response(breakage="reset")
        case "half":
            return replace(whole or json_answer({"object": "nothing", "padding": "." * 400}), breakage="half")
    return None


def error_body(fault: Fault) -> dict[str, Any]:
    if fault.status == 429:
        error = {"type": "invalid_request_error", "code": "rate_limit"}
        message = "Request rate limit exceeded. You can learn more at https://docs.stripe.com/rate-limits."
    elif fault.status in {401, 403}:
        error = {"type": "invalid_request_error", "code": "api_key_expired"}
        message = "Expired API Key provided: sk_test_********"
    elif fault.status >= 500:
        error = {"type": "api_error"}
        message = "An unknown error occurred."
    else:
        error = {"type": "invalid_request_error"}
        message = "The sandbox was told to refuse this request."
    return {"error": error | {"message": fault.message or message}}
