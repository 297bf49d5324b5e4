"""The WSGI application: which part answers which path. Every answer is whole before a byte of it leaves."""

import logging
import time
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any, TypeAlias

from sandbox import api, control, hosted_page, panel
from sandbox.errors import broken_inside
from sandbox.identifiers import request_id
from sandbox.page_templates import stylesheet
from sandbox.web import Request, Response, json_answer, page_answer, request_from_environ
from sandbox.world import World

logger = logging.getLogger("sandbox")

BREAKAGE = "sandbox.breakage"  # the server reads it from the environ: how to break the connection

StartResponse: TypeAlias = "Callable[[str, list[tuple[str, str]]], object]"


class Application:
    def __init__(self, world: World) -> None:
        self._world = world

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        began = time.monotonic()
        request = request_from_environ(environ, request_id())
        response = self._answered(request)
        environ[BREAKAGE] = response.breakage
        logger.info(
            "%s %s %s %.0f ms%s",
            request.method,
            request.path,
            response.status,
            (time.monotonic() - began) * 1000,
            f" broken: {response.breakage}" if response.breakage else "",
        )
        headers = response.headers | {"Content-Length": str(len(response.body))}
        start_response(f"{response.status} {_phrase(response.status)}", list(headers.items()))
        return [response.body]

    def _answered(self, request: Request) -> Response:
        try:
            return _route(self._world, request)
        except Exception:
            logger.exception("request %s failed inside the sandbox", request.id)
            return json_answer(broken_inside().body(request.id), status=500)


def _route(world: World, request: Request) -> Response:
    if request.path.startswith(("/v1/", "/v2/")):
        return api.answer(world, request)
    if request.method == "POST" and _is_foreign(request, world.options.public_url):
        return page_answer(
            "<!doctype html><title>Refused</title>This form came from another site.", status=403
        )
    if request.path.startswith("/_control/"):
        return control.answer(world, request)
    if request.path.startswith(("/c/", "/receipts/")):
        return hosted_page.answer(world, request)
    if request.path == "/sandbox.css":
        return Response(
            body=stylesheet(),
            headers={"Content-Type": "text/css; charset=utf-8", "Cache-Control": "no-cache"},
        )
    if request.path == "/healthz":
        return json_answer({"ok": True})
    return panel.answer(world, request)


def _is_foreign(request: Request, public_url: str) -> bool:
    """A page of another site must not press our buttons. Programs send no Origin."""
    origin = request.header("origin")
    if not origin:
        return False
    host = request.header("host")
    return origin not in {public_url, f"http://{host}", f"https://{host}"}


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
