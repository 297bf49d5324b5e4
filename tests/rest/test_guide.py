"""docs/api.md is true: its examples are run as they stand, against a live server, also through a bad connection."""

import base64
import http.client
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from pytest_django.fixtures import Settings
from pytest_django.live_server_helper import LiveServer
from standardwebhooks.webhooks import Webhook

from accounts import api_keys
from accounts.models import User
from credits.accounts import account_of
from credits.balances import balance_of
from credits.proof import prove
from outbox import delivering, signing
from outbox.models import Endpoint
from tests.rest.conftest import Give
from tests.sandbox_process import free_port

pytestmark = pytest.mark.django_db(transaction=True)
GUIDE = (settings.BASE_DIR / "docs" / "api.md").read_text()


def blocks(language: str) -> str:
    return "\n".join(re.findall(rf"^```{language}\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL))


def run(program: list[str], address: str, key: str) -> str:
    environment = {**os.environ, "COFFER": address, "KEY": key, "PATH": _path()}
    ran = subprocess.run(program, env=environment, capture_output=True, text=True, timeout=600, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


@pytest.fixture
def key(db: None) -> str:
    return api_keys.create(name="Guide", scopes=list(api_keys.SCOPES)).key


def test_curl_examples_work(live_server: LiveServer, alice: User, give: Give, key: str) -> None:
    give(100)

    said = run(["bash", "-euo", "pipefail", "-c", blocks("bash")], f"{live_server.url}/api/v1", key)

    assert said.count('"success":true') == 5
    # 5 captured, 5 spent of which 2 came back, 20 given, 3 of another 5 captured.
    assert (balance_of(alice).available, balance_of(alice).held) == (100 - 5 - 5 + 2 + 20 - 3, 0)
    assert prove().problems == []


def test_python_example_works(live_server: LiveServer, alice: User, give: Give, key: str) -> None:
    give(100)

    said = run([sys.executable, "-c", blocks("python")], f"{live_server.url}/api/v1", key)

    assert said.splitlines()[0] == "a picture"
    assert (balance_of(alice).available, balance_of(alice).held) == (95, 0)


def test_python_example_says_where_to_top_up(live_server: LiveServer, alice: User, key: str) -> None:
    said = run([sys.executable, "-c", blocks("python")], f"{live_server.url}/api/v1", key)

    assert said.startswith("5 credits are needed: http://testserver/pricing/")


def test_python_example_charges_once_though_every_first_answer_is_lost(
    bad_connection: str, alice: User, give: Give, key: str
) -> None:
    give(100)

    said = run([sys.executable, "-c", blocks("python")], f"{bad_connection}/api/v1", key)

    assert said.splitlines()[0] == "a picture"
    assert (balance_of(alice).available, balance_of(alice).held) == (95, 0)


def test_node_example_is_told_of_a_low_balance_and_of_nothing_forged(
    live_server: LiveServer, alice: User, give: Give, key: str, settings: Settings, tmp_path: Path
) -> None:
    give(12)
    settings.WEBHOOKS_TO_PRIVATE_ADDRESSES = True
    url = f"http://127.0.0.1:{free_port()}/told"
    endpoint = Endpoint.objects.create(url=url, topics=["credits.low"])
    ours, stranger = signing.secret_of(endpoint), "whsec_" + base64.b64encode(b"another").decode()
    forged = json.dumps({"type": "credits.low", "data": {"account": "forged", "available": 0}})
    now = datetime.now(UTC)

    with node(tmp_path, live_server, key, url=url, secret=ours) as program:
        assert [read(program), read(program)] == ["a picture", "charged: 7 left"]
        for secret, at in ((stranger, now), (ours, now - timedelta(minutes=10))):
            assert told(url, forged, at=at, signature=Webhook(secret).sign("msg_1", at, forged)) == 400
        assert delivering.deliver_due().delivered == 1
        assert read(program) == f"told: {account_of(alice)} has 7 credits left"
        assert program.wait(timeout=60) == 0
    assert (balance_of(alice).available, balance_of(alice).held) == (7, 0)


@contextmanager
def node(
    folder: Path, server: LiveServer, key: str, *, url: str, secret: str
) -> Iterator[subprocess.Popen[str]]:
    """The guide's program, which listens at `url`. Skipped where there is no Node.js, except in CI, which brings it."""
    found = shutil.which("node")
    if found is None and not os.environ.get("CI"):
        pytest.skip("node is not installed")
    assert found, "CI needs node"
    script = folder / "guide.mjs"
    script.write_text(blocks("javascript"))
    given = {"COFFER": f"{server.url}/api/v1", "KEY": key, "WEBHOOK_SECRET": secret}
    environment = {**os.environ, **given, "PORT": str(urlsplit(url).port)}
    with subprocess.Popen([found, script], env=environment, stdout=subprocess.PIPE, text=True) as program:
        try:
            yield program
        finally:
            program.kill()


def read(program: subprocess.Popen[str]) -> str:
    assert program.stdout is not None
    return program.stdout.readline().rstrip("\n")


def told(url: str, body: str, *, at: datetime, signature: str) -> int:
    """What the program answers to a call of ours."""
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": signature,
    }
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
    connection.request("POST", urlsplit(url).path, body, headers)
    status = connection.getresponse().status
    connection.close()
    return status


@pytest.fixture
def bad_connection(live_server: LiveServer) -> Iterator[str]:
    """A proxy that passes every request on, drops the first answer to each and says 503 to the second try."""
    target = urlsplit(live_server.url).netloc
    seen: dict[str, int] = {}

    class Bad(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            seen[self.path] = seen.get(self.path, 0) + 1
            if seen[self.path] == 2:
                self._answer(503, b"{}", retry_after="1")
                return
            onward = http.client.HTTPConnection(target)
            onward.request(self.command, self.path, body, dict(self.headers.items()))
            answer = onward.getresponse()
            content = answer.read()
            onward.close()
            if seen[self.path] > 2:
                self._answer(answer.status, content)

        do_GET = do_POST  # noqa: N815

        def _answer(self, status: int, content: bytes, *, retry_after: str = "") -> None:
            self.send_response(status)
            if retry_after:
                self.send_header("Retry-After", retry_after)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Bad)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def _path() -> str:
    """`python3` of the examples is the one that runs the tests."""
    return f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
