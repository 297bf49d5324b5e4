"""What load balancers ask."""

import socket
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from unittest import mock
from unittest.mock import ANY

import pytest
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.models.functions import Now
from django.test import Client

from config import signs
from config.models import Heartbeat
from config.tasks import beat
from purchases.models import StripeEvent
from tests.config import production
from tests.conftest import superuser_connection


def test_live_needs_no_database() -> None:
    response = Client().get("/healthz/live")

    assert (response.status_code, response.json()) == (200, {"status": "ok"})


@pytest.mark.parametrize(
    ("path", "status"), [("/healthz/live", 200), ("/healthz/ready", 200), ("/metrics", 200), ("/", 400)]
)
def test_who_watches_asks_by_address(db: None, path: str, status: int) -> None:
    assert Client(headers={"host": "10.0.0.5:8000"}).get(path).status_code == status


def test_ready_when_all_is_well(db: None) -> None:
    beat()
    response = Client().get("/healthz/ready")

    assert 0 <= response.json()["seconds"]["last_beat"] < 60
    assert (response.status_code, response.json()) == (
        200,
        {
            "status": "ok",
            "checks": dict.fromkeys(
                ["database", "migrations", "broker", "beat", "purchases", "events"], "ok"
            ),
            "seconds": {
                "last_beat": ANY,
                "oldest_unsettled_purchase": None,
                "oldest_unhandled_event": None,
            },
        },
    )


def test_not_ready_while_the_database_is_away(
    database_away: Callable[[], AbstractContextManager[None]],
) -> None:
    with database_away():
        response = Client().get("/healthz/ready")

    assert (response.status_code, response.json()) == (
        503,
        {
            "status": "unavailable",
            "checks": {"database": "unreachable", "migrations": "unknown", "broker": "ok"},
            "seconds": {},
        },
    )
    assert Client().get("/healthz/ready").status_code == 200


def test_not_ready_while_a_migration_waits(db: None) -> None:
    ((app, name),) = MigrationLoader(connection).graph.leaf_nodes("accounts")
    this = f"app = '{app}' and name = '{name}'"
    with superuser_connection() as superuser:
        superuser.execute(f"update django_migrations set app = 'elsewhere' where {this}")
        response = Client().get("/healthz/ready")
        superuser.execute(
            f"update django_migrations set app = 'accounts' where {this.replace('accounts', 'elsewhere')}"
        )

    assert response.status_code == 503
    assert response.json()["checks"] == {"database": "ok", "migrations": "1 waiting", "broker": "ok"}


def test_what_stands_still_behind_the_pages_is_told_but_the_pages_stay(db: None) -> None:
    assert Client().get("/healthz/ready").json()["checks"]["beat"] == "never"
    beat()
    Heartbeat.objects.update(beaten_at=Now() - timedelta(minutes=4))
    StripeEvent.objects.create(
        event_id="evt_1", type="x", livemode=False, payload={}, received_at=Now() - timedelta(minutes=6)
    )
    response = Client().get("/healthz/ready")

    assert (response.status_code, response.json()["status"]) == (200, "degraded")
    checks = response.json()["checks"]
    assert (checks["beat"], checks["events"], checks["purchases"]) == ("late", "overdue", "ok")
    assert response.json()["seconds"]["oldest_unhandled_event"] >= 360


ASK = """
import faulthandler, time, django
faulthandler.dump_traceback_later(60, exit=True)
django.setup()
from config import signs
begun = time.monotonic()
print(signs._ask_broker(), time.monotonic() - begun < 10)
"""


@pytest.mark.parametrize("scheme", ["redis", "amqp"])
def test_a_broker_that_hangs_costs_a_web_process_seconds(scheme: str) -> None:
    """In a process that imported nothing of the worker's; it would hang for ever."""
    with socket.create_server(("127.0.0.1", 0)) as server:  # accepts in its backlog and never answers
        hung = f"{scheme}://127.0.0.1:{server.getsockname()[1]}/0"
        done = production.run("-c", ASK, CELERY_BROKER_URL=hung, DJANGO_SETTINGS_MODULE="config.settings")

    assert done.stdout == "unreachable True\n"


@pytest.mark.parametrize("broker", ["qpid://127.0.0.1", "redis://127.0.0.1:9/none"])
def test_a_broker_that_cannot_be_used_is_unreachable(broker: str) -> None:
    """Whatever its library raises: here for a package that is not installed, and for a database without a number."""
    done = production.run("-c", ASK, CELERY_BROKER_URL=broker, DJANGO_SETTINGS_MODULE="config.settings")

    assert done.stdout == "unreachable True\n"


def test_a_broker_is_asked_once_in_a_while_and_waited_for_by_one_thread(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signs, "_broker", (0.0, ""))
    monkeypatch.setattr(signs, "ASK_BROKER_EVERY", 600)
    asked, answers = threading.Event(), threading.Event()

    def hangs() -> str:
        asked.set()
        answers.wait(30)
        return "ok"

    with mock.patch.object(signs, "_ask_broker", side_effect=hangs) as asking:
        waiting = threading.Thread(target=signs.broker_state)
        waiting.start()
        assert asked.wait(30)
        meanwhile = signs.broker_state()
        answers.set()
        waiting.join()
        after = [signs.broker_state() for _ in range(3)]

    assert (meanwhile, after) == ("unreachable", ["ok"] * 3)
    assert asking.call_count == 1


@pytest.mark.parametrize("path", ["/healthz/live", "/healthz/ready"])
def test_probe_is_only_read(db: None, path: str) -> None:
    assert Client().post(path).status_code == 405
    assert Client().head(path).status_code == 200
