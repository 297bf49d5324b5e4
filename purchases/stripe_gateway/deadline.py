"""An answer has an end: its seconds count for all of it, headers and body, and not anew for each read.

The socket's own timeout is for one read: an answer of a byte a second would never meet it.
"""

import io
import socket
import time
from functools import lru_cache
from http.client import HTTPResponse
from typing import Any

import stripe
import urllib3
from requests.adapters import HTTPAdapter
from requests.utils import get_environ_proxies, select_proxy


@lru_cache(maxsize=4)
def connections(base: str, *, count: int) -> urllib3.PoolManager:
    """Kept connections to `base` for the threads of this process, through the proxy that the environment names.

    urllib3 without requests around it, which takes Python twice as long as the call itself.
    """
    trusted: dict[str, Any] = {"cert_reqs": "CERT_REQUIRED", "ca_certs": stripe.ca_bundle_path}
    proxy = select_proxy(base, get_environ_proxies(base))
    made: urllib3.PoolManager = (
        HTTPAdapter(pool_maxsize=count).proxy_manager_for(proxy, **trusted)
        if proxy
        else urllib3.PoolManager(maxsize=count, **trusted)
    )
    made.pool_classes_by_scheme = {"http": _HttpPool, "https": _HttpsPool}
    return made


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


class _HttpPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Http


class _HttpsPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _Https
