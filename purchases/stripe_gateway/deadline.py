"""An answer has an end: its seconds count for all of it, headers and body, and not anew for each read.

The socket's own timeout is for one read: an answer of a byte a second would never meet it.
"""

import io
import socket
import time
from http.client import HTTPResponse
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter


def session() -> requests.Session:
    """Connections that end an answer in time. Nobody else is asked: a redirect is an error."""
    made = requests.Session()
    made.max_redirects = 0
    for scheme in ("https://", "http://"):
        made.mount(scheme, _Timely())
    return made


class _Timely(HTTPAdapter):
    """Plain connections, whose answers are `_Answer`."""

    def get_connection_with_tls_context(self, *args: Any, **words: Any) -> Any:
        pool = super().get_connection_with_tls_context(*args, **words)
        pool.ConnectionCls = _Https if pool.scheme == "https" else _Http
        return pool


class _Answer(HTTPResponse):
    """http.client's, with a clock before the socket."""

    def __init__(self, sock: socket.socket, *args: Any, **words: Any) -> None:
        super().__init__(sock, *args, **words)
        self.fp = io.BufferedReader(_Reads(sock, self.fp.detach()))


class _Reads(io.RawIOBase):
    """Reads of a socket; all of them together get the seconds that it allows for one."""

    def __init__(self, sock: socket.socket, raw: io.RawIOBase) -> None:
        self._sock, self._raw = sock, raw
        self._over_at = time.monotonic() + (sock.gettimeout() or 0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._over_at - time.monotonic()
        if left <= 0:
            raise TimeoutError("the answer took too long")
        self._sock.settimeout(left)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Http(urllib3.connection.HTTPConnection):
    response_class = _Answer


class _Https(urllib3.connection.HTTPSConnection):
    response_class = _Answer
