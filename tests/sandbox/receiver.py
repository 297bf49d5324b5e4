"""A webhook endpoint that keeps what it gets and answers as it is told."""

import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import stripe


class _Server(ThreadingHTTPServer):
    request_queue_size = 128  # a full queue would make a delivery arrive a second late


@dataclass(frozen=True, kw_only=True)
class Delivered:
    body: bytes
    signature: str

    def event(self, secret: str) -> Any:
        """Raises SignatureVerificationError as a real endpoint would."""
        return stripe.Webhook.construct_event(self.body, self.signature, secret)


class Receiver:
    def __init__(self) -> None:
        self.got: list[Delivered] = []
        self.statuses: list[int] = []
        self.meet: threading.Barrier | None = None  # so many must be here before any is answered
        self._arrived = threading.Condition()
        self._server = _Server(("127.0.0.1", 0), self._handler())
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/webhooks/stripe/"

    def clear(self) -> None:
        with self._arrived:
            self.got, self.statuses, self.meet = [], [], None

    def wait_for(self, count: int, *, within: float = 60) -> list[Delivered]:
        with self._arrived:
            arrived = self._arrived.wait_for(lambda: len(self.got) >= count, timeout=within)
            assert arrived, f"{len(self.got)} of {count} deliveries arrived"
            return list(self.got)

    def types(self, count: int, secret: str = "whsec_sandbox_tests") -> list[str]:
        return [delivered.event(secret).type for delivered in self.wait_for(count)]

    def stays_at(self, count: int, *, seconds: float = 0.4) -> bool:
        time.sleep(seconds)
        return len(self.got) == count

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _take(self, delivered: Delivered) -> int:
        with self._arrived:
            self.got.append(delivered)
            self._arrived.notify_all()
            return self.statuses.pop(0) if self.statuses else 200

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if receiver.meet:
                    receiver.meet.wait(timeout=60)
                status = receiver._take(
                    Delivered(body=body, signature=self.headers.get("Stripe-Signature", ""))
                )
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", "/elsewhere/")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                return

        return Handler
