"""One HTTP request and one answer, between the WSGI app and what it calls."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

MOST_BODY_BYTES = 2_000_000


@dataclass(frozen=True, kw_only=True)
class Request:
    method: str
    path: str
    query: str
    body: bytes
    headers: Mapping[str, str]
    id: str

    def header(self, name: str) -> str:
        return self.headers.get(name.lower(), "")

    def pairs(self) -> list[tuple[str, str]]:
        """Query and form together, in order. UnicodeDecodeError when the form is no UTF-8."""
        sent = [self.query] if self.method == "GET" else [self.query, self.body.decode()]
        text = "&".join(filter(None, sent))
        return parse_qsl(text, keep_blank_values=True, errors="strict")

    def form(self) -> dict[str, str]:
        return dict(self.pairs())


@dataclass(kw_only=True)
class Response:
    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    breakage: str = ""  # "reset": no answer at all; "half": the connection ends halfway


def json_answer(content: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    body = json.dumps(content, ensure_ascii=False).encode()
    content_type = {"Content-Type": "application/json"}
    return Response(status=status, body=body, headers=content_type | dict(headers or {}))


def page_answer(html: str, *, status: int = 200) -> Response:
    return Response(
        status=status,
        body=html.encode(),
        headers={
            "Content-Type": "text/html; charset=utf-8",
            "Cache-Control": "no-store",
            "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self' data:; "
            "base-uri 'none'; frame-ancestors 'none'",
            "X-Content-Type-Options": "nosniff",
            # Not no-referrer: browsers would then send `Origin: null` with our own forms.
            "Referrer-Policy": "same-origin",
        },
    )


def redirect_to(url: str) -> Response:
    return Response(status=303, headers={"Location": url, "Cache-Control": "no-store"})


def request_from_environ(environ: Mapping[str, Any], request_id: str) -> Request:
    length = int(environ.get("CONTENT_LENGTH") or 0)
    return Request(
        method=environ["REQUEST_METHOD"],
        path=environ["PATH_INFO"],
        query=environ.get("QUERY_STRING", ""),
        body=environ["wsgi.input"].read(length) if length else b"",
        headers=dict(_headers(environ.items())),
        id=request_id,
    )


def _headers(items: Iterable[tuple[str, Any]]) -> Iterable[tuple[str, str]]:
    for name, value in items:
        if name.startswith("HTTP_"):
            yield name[5:].replace("_", "-").lower(), value
        elif name == "CONTENT_TYPE":
            yield "content-type", value
