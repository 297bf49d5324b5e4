"""The way to Stripe: kept connections, the proxy that the environment names, nobody but Stripe."""

import base64
import gzip
import json
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import ClassVar

import pytest
from pytest_django.fixtures import Settings

from purchases import stripe_gateway
from purchases.errors import StripeUnavailable

SESSION = {"id": "cs_test_way", "status": "open", "payment_status": "unpaid"}


class Double(BaseHTTPRequestHandler):
    """Notes who comes how, and answers as it was told to."""

    protocol_version = "HTTP/1.1"
    callers: ClassVar[list[object]] = []
    asked: ClassVar[list[str]] = []
    credentials: ClassVar[list[str | None]] = []
    answer: ClassVar[tuple[int, dict[str, str], bytes]]

    def do_GET(self) -> None:
        self.callers.append(self.client_address)
        self.asked.append(self.path)
        self.credentials.append(self.headers["Proxy-Authorization"])
        status, headers, body = self.answer
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def double() -> type[Double]:
    class Fresh(Double):
        callers, asked, credentials = [], [], []
        answer = (200, {}, json.dumps(SESSION).encode())

    return Fresh


@pytest.fixture
def address(double: type[Double]) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), double)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def ask() -> str:
    return stripe_gateway.retrieve_session("cs_test_way", is_hurried=True).id


def test_one_connection_serves_every_thread(double: type[Double], address: str, settings: Settings) -> None:
    settings.STRIPE_API_BASE = f"http://{address}"
    for _ in range(3):
        thread = Thread(target=ask)
        thread.start()
        thread.join()

    assert len(double.asked) == 3
    assert len(set(double.callers)) == 1


def test_the_proxy_of_the_environment_is_used_with_its_password(
    double: type[Double], address: str, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", f"http://alice:secret@{address}")
    settings.STRIPE_API_BASE = f"http://stripe-{address.replace(':', '-')}.example"

    assert ask() == "cs_test_way"
    assert double.asked[0].startswith(f"{settings.STRIPE_API_BASE}/v1/checkout/sessions/cs_test_way?")
    assert double.credentials == ["Basic " + base64.b64encode(b"alice:secret").decode()]


def test_what_the_environment_excepts_needs_no_proxy(
    double: type[Double], address: str, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    settings.STRIPE_API_BASE = f"http://{address}"

    assert ask() == "cs_test_way"


def test_a_packed_answer_is_read(double: type[Double], address: str, settings: Settings) -> None:
    settings.STRIPE_API_BASE = f"http://{address}"
    double.answer = (200, {"Content-Encoding": "gzip"}, gzip.compress(json.dumps(SESSION).encode()))

    assert ask() == "cs_test_way"


def test_a_redirect_is_not_followed(double: type[Double], address: str, settings: Settings) -> None:
    settings.STRIPE_API_BASE = f"http://{address}"
    double.answer = (302, {"Location": "/elsewhere"}, b"")

    with pytest.raises(StripeUnavailable):
        ask()
    assert len(double.asked) == 1


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl on this machine")
def test_a_stranger_with_a_certificate_of_its_own_is_told_nothing(
    double: type[Double], tmp_path: Path, settings: Settings
) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=stranger"]
    names = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*made, *names], check=True, capture_output=True)
    as_server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    as_server.load_cert_chain(certificate, key)
    with socket.create_server(("127.0.0.1", 0)) as door:
        callers: list[Exception | None] = []

        def let_in() -> None:
            for _ in range(2):
                try:
                    connection, _address = door.accept()
                    with as_server.wrap_socket(connection, server_side=True):
                        callers.append(None)
                except OSError as error:
                    callers.append(error)

        waiter = Thread(target=let_in, daemon=True)
        waiter.start()
        settings.STRIPE_API_BASE = f"https://127.0.0.1:{door.getsockname()[1]}"

        with pytest.raises(StripeUnavailable):
            stripe_gateway.retrieve_session("cs_test_way")
        waiter.join(timeout=1)

    assert len(callers) == 1, "asking again would not help"
    assert isinstance(callers[0], ssl.SSLError)
