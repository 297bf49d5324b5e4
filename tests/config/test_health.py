"""What load balancers ask."""

import socket
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from unittest import mock
from unittest.mock import ANY

import pytest
from celery import Celery
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.models.functions import Now
from django.test import Client

from config import signs
from config.models import Heartbeat
from config.tasks import beat
from purchases.models import StripeEvent
from tests.conftest import superuser_connection


def test_live_needs_no_database() -> None:
    response = Client().get("/healthz/live")

    assert (response.status_code, response.json()) == (200, {"status": "ok"})


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


@pytest.mark.parametrize("kind", ["refuses", "hangs"])
def test_a_broker_that_does_not_answer_costs_a_probe_seconds_once(
    kind: str, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:  # accepts in its backlog and never answers
        port = server.getsockname()[1] if kind == "hangs" else 9
        app = Celery("elsewhere", broker=f"redis://127.0.0.1:{port}/0", set_as_current=False)
        app.conf.broker_transport_options = {"socket_timeout": 2, "socket_connect_timeout": 2}
        monkeypatch.setattr(signs, "current_app", app)
        monkeypatch.setattr(signs, "_broker", (0.0, ""))
        monkeypatch.setattr(signs, "ASK_BROKER_EVERY", 600)
        begun = time.monotonic()
        with mock.patch.object(signs, "_ask_broker", wraps=signs._ask_broker) as asked:
            answers = [Client().get("/healthz/ready") for _ in range(3)]

    assert {answer.json()["checks"]["broker"] for answer in answers} == {"unreachable"}
    assert {answer.status_code for answer in answers} == {200}
    assert time.monotonic() - begun < 30  # it would hang for ever
    assert asked.call_count == 1


@pytest.mark.parametrize("path", ["/healthz/live", "/healthz/ready"])
def test_probe_is_only_read(db: None, path: str) -> None:
    assert Client().post(path).status_code == 405
    assert Client().head(path).status_code == 200
