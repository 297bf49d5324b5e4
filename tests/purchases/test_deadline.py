"""A call to Stripe ends in time, also where its answer comes a byte at a time, or leads in a circle."""

import socket
import time
from collections.abc import Callable, Iterator
from threading import Event, Thread

import pytest
from pytest_django.fixtures import Settings

from purchases import stripe_gateway
from purchases.errors import StripeUnavailable

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
LENGTH = b"Content-Length: 100000\r\n\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"
# What is sent at once, and what then comes a byte at a time.
DRIPS = {
    "status line": (b"", b"HTTP/1.1 200 " + b"O" * 1000),
    "headers": (HEAD, b"X-Slow: " + b"x" * 1000),
    "body": (HEAD + LENGTH, b"{" + b" " * 1000),
    "chunks": (HEAD + CHUNKED, b"1\r\n \r\n" * 200),
    "redirect": (b"HTTP/1.1 302 Found\r\nLocation: /v1/again\r\n" + LENGTH, b" " * 1000),
}
Drip = Callable[[bytes, bytes], str]


@pytest.fixture
def drip() -> Iterator[Drip]:
    """Something in Stripe's place that sends a beginning, and a byte every twentieth of a second from then on."""
    over, server = Event(), socket.create_server(("127.0.0.1", 0))

    def answer(connection: socket.socket, beginning: bytes, rest: bytes) -> None:
        with connection:
            connection.recv(65536)
            connection.sendall(beginning)
            for byte in rest:
                if over.wait(0.05):
                    return
                connection.sendall(bytes([byte]))

    def serve(beginning: bytes, rest: bytes) -> None:
        while True:
            try:
                connection, _address = server.accept()
            except OSError:
                return
            Thread(target=answer, args=(connection, beginning, rest), daemon=True).start()

    def start(beginning: bytes, rest: bytes) -> str:
        Thread(target=serve, args=(beginning, rest), daemon=True).start()
        return f"http://127.0.0.1:{server.getsockname()[1]}"

    yield start
    over.set()
    server.close()


@pytest.mark.parametrize("drops", DRIPS.values(), ids=DRIPS.keys())
def test_an_answer_of_drops_ends_in_time(drip: Drip, settings: Settings, drops: tuple[bytes, bytes]) -> None:
    settings.STRIPE_API_BASE, settings.STRIPE_TIMEOUT_SECONDS = drip(*drops), 1
    begun = time.monotonic()

    with pytest.raises(StripeUnavailable):
        stripe_gateway.retrieve_session("cs_test_x", is_hurried=True)
    assert time.monotonic() - begun < 10
