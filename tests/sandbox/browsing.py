"""A browser without JavaScript, as small as it can be: gets pages, sends forms, does not follow redirects."""

import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from http.client import HTTPMessage
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Page:
    status: int
    text: str
    headers: HTTPMessage

    @property
    def location(self) -> str:
        return self.headers.get("Location", "")


class _Stays(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


_opener = urllib.request.build_opener(_Stays)


def get(url: str, **headers: str) -> Page:
    return _sent(urllib.request.Request(url, headers=headers))


def post(url: str, form: dict[str, str] | None = None, **headers: str) -> Page:
    body = urllib.parse.urlencode(form or {}).encode()
    return _sent(urllib.request.Request(url, data=body, headers=headers, method="POST"))


def _sent(request: urllib.request.Request) -> Page:
    try:
        answer = _opener.open(request, timeout=60)
    except urllib.error.HTTPError as error:
        answer = error
    with answer:
        return Page(status=answer.status, text=answer.read().decode(), headers=answer.headers)
