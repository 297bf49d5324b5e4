"""PgBouncer in transaction mode: nothing we do may hang on a session of PostgreSQL's.

Skipped where it is not installed, except in CI, which brings it. docs/scale.md says what it needs.
"""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection

from accounts.models import User
from checkout import sessions
from checkout.models import CheckoutSession, Tier
from credits import deposits, proof, spending
from credits.balances import balance_of
from credits.deposits import NewLot
from credits.models import Entry
from tests.together import together

SERVER_CONNECTIONS = 2
CONFIG = """
[databases]
* = host={host} port={port} user={user}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {pool}
ignore_startup_parameters = options
server_check_delay = 0
"""


@pytest.fixture
def pgbouncer(transactional_db: None, tmp_path: Path) -> Iterator[None]:
    """Lead this process' connections through a pool of two server connections."""
    program = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
    if program is None and not os.environ.get("CI"):
        pytest.skip("pgbouncer is not installed")
    assert program, "CI needs pgbouncer"
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    database = connection.settings_dict
    kept = {**database, "OPTIONS": dict(database["OPTIONS"])}
    host = database["OPTIONS"].get("host") or database["HOST"]
    config = tmp_path / "pgbouncer.ini"
    config.write_text(
        CONFIG.format(
            host=host,
            port=database["PORT"] or 5432,
            user=database["USER"],
            listen=port,
            pool=SERVER_CONNECTIONS,
        )
    )
    config.chmod(0o644)
    tmp_path.chmod(0o755)
    folder = Path(host)  # of the socket, which only its owner may enter; or the name of a machine
    owner = folder.owner() if folder.is_dir() else "nobody"
    as_whom = ["-u", owner] if os.getuid() == 0 else []  # it refuses to run as root
    process = subprocess.Popen(
        [program, *as_whom, str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    connection.close()
    database.update(HOST="127.0.0.1", PORT=str(port), DISABLE_SERVER_SIDE_CURSORS=True)
    database["OPTIONS"].pop("host", None)
    _wait_for(port)
    yield
    connection.close()
    database.clear()
    database.update(kept)
    process.terminate()
    process.wait(timeout=60)


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError("pgbouncer did not start")


def test_ten_threads_share_two_server_connections(pgbouncer: None, alice: User) -> None:
    deposits.grant(user=alice, lots=[NewLot(kind="promo", amount=100)], scope="test", key="grant")

    answers = together(
        *(
            lambda number=number: [
                spending.spend(user=alice, amount=1, scope="test", key=f"{number}:{each}")
                for each in range(10)
            ]
            for number in range(10)
        )
    )

    assert [answer for answer in answers if isinstance(answer, Exception)] == []
    assert balance_of(alice).available == 0
    assert Entry.objects.count() == 101
    assert not list(proof.prove().problems)


def test_a_double_click_is_still_one_session(pgbouncer: None, alice: User, plus: Tier) -> None:
    started = together(*(lambda: sessions.start(owner=alice, tier=plus) for _ in range(10)))

    assert {getattr(session, "pk", session) for session in started} == {CheckoutSession.objects.get().pk}
