"""Answers one API request: key, version, parameters, idempotency, faults, then the call itself."""

from typing import Any

from sandbox import events, idempotency
from sandbox.authorization import check_key
from sandbox.background import run_due_jobs
from sandbox.calls import Call, find_call
from sandbox.errors import Refusal, broken_inside
from sandbox.expansion import expand
from sandbox.faults import Fault, broken_answer, error_body
from sandbox.forms import decode_form
from sandbox.options import API_VERSION
from sandbox.parameters import read_parameters
from sandbox.store import Json
from sandbox.web import Request, Response, json_answer
from sandbox.world import World


def answer(world: World, request: Request) -> Response:
    fault = world.faults.take(request.method, request.path)
    _remember(world, request, fault)
    at_the_door = _answer_at_the_door(world, fault)
    if at_the_door is not None:
        return _headed(at_the_door, request)
    try:
        whole = _understood(world, request, fault)
    except Refusal as refusal:
        whole = json_answer(refusal.body(request.id), status=refusal.status)
    world.faults.pause(fault, "after")
    broken = broken_answer(fault, whole) if fault is not None and fault.when == "after" else None
    return _headed(broken or whole, request)


def _answer_at_the_door(world: World, fault: Fault | None) -> Response | None:
    """Before Stripe looks at the request at all. A 500 comes from further inside: its key is taken."""
    if fault is None or fault.when != "before" or fault.kind in {"hold", "delay"} or _is_kept(fault):
        return None
    world.faults.pause(fault, "before")
    return broken_answer(fault, None)


def _is_kept(fault: Fault) -> bool:
    return fault.kind == "status" and fault.status == 500


def _understood(world: World, request: Request, fault: Fault | None) -> Response:
    check_key(request)
    version = request.header("stripe-version") or API_VERSION
    if version != API_VERSION:
        raise Refusal(f"The sandbox speaks API version {API_VERSION} only, not {version}.")
    call, identifier = find_call(request.method, request.path)
    try:
        pairs = request.pairs()
    except UnicodeDecodeError:
        raise Refusal("The request's body is not valid UTF-8.") from None
    params = read_parameters(call.accepted, call.required, decode_form(pairs))
    run_due_jobs(world)
    key = request.header("idempotency-key") if request.method == "POST" else ""
    if not key:
        content, status = _acted(world, request, call, identifier, params, fault, key="")
        return json_answer(content, status=status)
    line = f"{request.method} {request.path}"
    kept = idempotency.begin(world, key, call=line, fingerprint=idempotency.fingerprint_of(pairs))
    if kept is not None:
        return json_answer(kept.content, status=kept.status, headers={"Idempotent-Replayed": "true"})
    try:
        content, status = _acted(world, request, call, identifier, params, fault, key=key)
    except BaseException:
        idempotency.forget(world, key)
        raise
    return json_answer(content, status=status)


def _acted(
    world: World,
    request: Request,
    call: Call,
    identifier: str,
    params: dict[str, Any],
    fault: Fault | None,
    *,
    key: str,
) -> tuple[Json, int]:
    """Content and status; what was done and what will be replayed are committed together."""
    world.faults.pause(fault, "before")
    paths = params.pop("expand", [])
    status = 200
    with world.store.transaction(), events.caused_by_request(request.id, key):
        try:
            if fault is not None and _is_kept(fault) and fault.when == "before":
                raise broken_inside(fault.message or "An unknown error occurred.")
            content = expand(world, call.act(world, identifier, params), paths)
        except Refusal as refusal:
            if not refusal.executed:
                raise
            content, status = refusal.body(request.id), refusal.status
        if fault is not None and _is_kept(fault) and fault.when == "after":
            content, status = error_body(fault), 500
        if key:
            idempotency.finish(world, key, status=status, content=content)
    return content, status


def _headed(response: Response, request: Request) -> Response:
    response.headers |= {
        "Request-Id": request.id,
        "Stripe-Version": API_VERSION,
        "Cache-Control": "no-cache, no-store",
        "Access-Control-Expose-Headers": "Request-Id, Stripe-Version",
    }
    if key := request.header("idempotency-key"):
        response.headers["Idempotency-Key"] = key
    return response


def _remember(world: World, request: Request, fault: Fault | None) -> None:
    try:
        params = dict(request.pairs())
    except UnicodeDecodeError:
        params = {}
    world.requests.append(
        {
            "id": request.id,
            "at": world.clock.exact(),
            "method": request.method,
            "path": request.path,
            "params": params,
            "idempotency_key": request.header("idempotency-key") or None,
            "fault": fault.kind if fault else None,
        }
    )
