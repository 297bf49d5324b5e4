"""The operator's panel at `/`."""

from sandbox.web import Request, Response, page_answer
from sandbox.world import World


def answer(_world: World, _request: Request) -> Response:
    return page_answer("<!doctype html><title>Sandbox</title><h1>Sandbox</h1>")
