"""`make run` as a newcomer meets it: start, buy once over HTTP, stop, and see that no process is left.

Run by .ci/run from a clean checkout: `python3 -m tests.smoke.smoke`. Standard library only.
"""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.buyer import Buyer, session_id

PROJECT = Path(__file__).resolve().parent.parent.parent
START_SECONDS = 900  # the first start installs
STOP_SECONDS = 120
HEALING_SECONDS = 60
PASSWORD = "correct-horse-battery"


def main() -> None:
    """Raise AssertionError where anything is not as the README says."""
    with running_demo() as base:
        secrets = buy(base)
    say("stopped, and no process is left")
    look_into_logs(secrets)
    say("its logs tell no secret")


@contextmanager
def running_demo() -> Iterator[str]:
    """`make run` on free ports; yields the shop's address, then Ctrl-C, and nothing may be left of it."""
    web, sandbox = free_port(), free_port()
    demo = subprocess.Popen(
        ["make", "run"],  # noqa: S607
        cwd=PROJECT,
        env={**os.environ, "PORT": str(web), "SANDBOX_PORT": str(sandbox)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        say(f"started, waiting for http://localhost:{web}")
        wait_until_ready(demo, web)
        yield f"http://localhost:{web}"
    finally:
        with suppress(ProcessLookupError):
            os.killpg(demo.pid, signal.SIGINT)
        output = said_at_its_end(demo)
    assert f"http://localhost:{web}" in output, output
    assert "4242 4242 4242 4242" in output, output
    wait_for(lambda: is_free(web), "the web server is still there")
    wait_for(lambda: is_free(sandbox), "the sandbox is still there")
    wait_for(lambda: not left_over(), f"processes are left: {left_over()}")


def said_at_its_end(demo: subprocess.Popen[str]) -> str:
    """Everything it printed; one that does not end is made to, and the test fails."""
    try:
        return demo.communicate(timeout=STOP_SECONDS)[0]
    except subprocess.TimeoutExpired:
        os.killpg(demo.pid, signal.SIGKILL)
        raise AssertionError(f"make run did not end within {STOP_SECONDS} s of Ctrl-C") from None


def wait_until_ready(demo: subprocess.Popen[str], port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        assert demo.poll() is None, f"make run ended: {demo.stdout.read() if demo.stdout else ''}"
        try:
            if Buyer(f"http://localhost:{port}").get("/healthz/ready").status == 200:
                return
        except OSError:
            pass
        assert time.monotonic() < deadline, "make run did not get ready"
        time.sleep(0.5)


def buy(base: str) -> list[str]:
    """Register, choose plus, pay at the sandbox, come back to 220 credits. Return what no log may tell."""
    buyer = Buyer(base)
    email = f"smoke-{time.time_ns()}@example.com"
    assert buyer.register(email, PASSWORD).balance == 0
    address = buyer.pay_address("plus")
    say(f"paying {session_id(address)}")
    result = pay(address)
    # At once, or, where the machine is so busy that Stripe did not answer in time, when it is loaded again.
    wait_for(lambda: buyer.get(result).state == "credited", "the purchase was not credited")
    assert buyer.get(result).balance == 220
    assert buyer.get("/credits/").balance == 220
    say("220 credits arrived")
    cookies = [cookie.value or "" for cookie in buyer.cookies if cookie.name in ("sessionid", "csrftoken")]
    assert len(cookies) == 2
    return [email, PASSWORD, "demo-password", *cookies, "sk_test_sandbox", "whsec_sandbox", "demo-only-0123"]


def look_into_logs(secrets: list[str]) -> None:
    """Every line that the application itself wrote in the whole run; a letter on the console is not one."""
    lines = [
        line
        for log in (PROJECT / ".state" / "logs").glob("*.log")
        for line in log.read_text(errors="replace").splitlines()
        if re.match(r"\d{4}-\d\d-\d\dT", line)
    ]
    assert any("purchase_settled" in line for line in lines), "the run left no log"
    told = [(secret, line) for secret in secrets for line in lines if secret in line]
    assert not told, told[:3]


def pay(address: str) -> str:
    """Fill in the payment page with the card that works; return where it leads."""
    card = {"card_number": "4242 4242 4242 4242", "exp": "12/40", "cvc": "123", "name": "Sam Smoke"}
    page = Buyer(address).get(address)
    assert "Card number" in page.html, page.html[:2000]
    action = page.action(f'[^"]*{session_id(address)}[^"]*')
    status, result = Buyer(address).post_once(action, method="card", email="smoke@example.com", **card)
    assert status in (302, 303), f"the payment page answered {status}"
    return result


def wait_for(fact: Callable[[], bool], otherwise: str) -> None:
    deadline = time.monotonic() + HEALING_SECONDS
    while not fact():
        assert time.monotonic() < deadline, otherwise
        time.sleep(0.5)


def left_over() -> list[str]:
    """Processes that still run out of this checkout's virtual environment."""
    marks = (str(PROJECT / ".venv"), str(PROJECT / ".state"))
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if any(mark in words for mark in marks) and int(folder.name) != os.getpid():
            found.append(words)
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def say(words: str) -> None:
    sys.stdout.write(f"smoke: {words}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
