"""The process: starts fast, ends at once, keeps its state in a file, speaks keep-alive."""

import http.client
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psutil
from stripe import StripeClient

from sandbox.options import read_options
from tests.sandbox.conftest import asked, client_of
from tests.sandbox_process import PROJECT, SandboxProcess


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sandbox", *arguments],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_it_starts_within_a_second() -> None:
    process = SandboxProcess().start()
    used = psutil.Process(process.pid).cpu_times()
    assert used.user + used.system < 1  # of its own work, however many share the machine
    assert process.stop() == 0


def test_it_ends_at_once_even_while_an_answer_is_held() -> None:
    process = SandboxProcess().start()
    process.control("faults", endpoint="*", kind="hold")
    connection = http.client.HTTPConnection("127.0.0.1", process.port)
    connection.request("GET", "/v1/events", headers={"Authorization": "Bearer sk_test_x"})
    process.wait_until_held()
    assert process.stop() == 0  # nothing releases that answer
    connection.close()


def test_ctrl_c_ends_it_cleanly() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "sandbox", "--port", str(free_port())], cwd=PROJECT, stderr=subprocess.PIPE
    )
    assert process.stderr is not None
    assert b"ready on" in process.stderr.readline()
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 0
    assert process.stderr.read() == b""
    process.stderr.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def test_busy_port_is_said_in_one_sentence(sandbox: SandboxProcess) -> None:
    ended = run("--port", str(sandbox.port))
    assert ended.returncode == 1
    assert ended.stderr == f"sandbox: cannot listen on 127.0.0.1:{sandbox.port}: Address already in use.\n"


def test_webhooks_without_a_secret_are_refused() -> None:
    ended = run("--webhook-url", "http://127.0.0.1:9/")
    assert ended.returncode == 1
    assert "needs --webhook-secret" in ended.stderr


def test_file_that_is_no_state_is_said_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("not a database, and longer than a header\n" * 50)
    ended = run("--state", str(tmp_path / "notes.txt"))
    assert ended.returncode == 1
    assert ended.stderr.startswith("sandbox: cannot keep its state in")


def test_options_come_from_the_environment() -> None:
    options = read_options([], {"SANDBOX_PORT": "9001", "SANDBOX_QUIET": "true", "SANDBOX_STATE": "s.db"})
    assert (options.port, options.quiet, options.state) == (9001, True, "s.db")
    assert options.public_url == "http://localhost:9001"
    assert read_options(["--port", "9002"], {"SANDBOX_PORT": "9001"}).port == 9002


def test_state_survives_a_restart(tmp_path: Path) -> None:
    process = SandboxProcess(state=str(tmp_path / "sandbox.sqlite3")).start()
    client = client_of(process)
    session = client.v1.checkout.sessions.create(asked(), {"idempotency_key": "k1"})
    process.control("faults", endpoint="GET /v1/events", kind="status", status=503)
    process.kill()
    process.start()
    try:
        assert client_of(process).v1.checkout.sessions.retrieve(session.id).id == session.id
        again = client_of(process).v1.checkout.sessions.create(asked(), {"idempotency_key": "k1"})
        assert again.id == session.id
        assert len(process.control("faults")["faults"]) == 1
    finally:
        process.stop()


def test_connection_is_kept_alive(sandbox: SandboxProcess) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", sandbox.port)
    connection.connect()
    first = connection.sock
    for _ in range(3):
        connection.request("GET", "/v1/events", headers={"Authorization": "Bearer sk_test_x"})
        answer = connection.getresponse()
        answer.read()
        assert (answer.status, answer.version) == (200, 11)
    assert connection.sock is first
    connection.close()


def test_request_gets_a_line_in_the_log() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "sandbox", "--port", str(port := free_port())],
        cwd=PROJECT,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    process.stderr.readline()
    client = StripeClient("sk_test_secret", base_addresses={"api": f"http://127.0.0.1:{port}"})
    client.v1.events.list()
    assert process.stderr.readline().startswith("GET /v1/events 200 ")
    process.terminate()
    process.wait(60)
    process.stderr.close()
