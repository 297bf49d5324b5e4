"""What load balancers ask."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from django.test import Client

from tests.conftest import superuser_connection


def test_live_needs_no_database() -> None:
    response = Client().get("/healthz/live")

    assert (response.status_code, response.json()) == (200, {"status": "ok"})


def test_ready_with_database_and_migrations(db: None) -> None:
    response = Client().get("/healthz/ready")

    assert (response.status_code, response.json()) == (
        200,
        {"status": "ok", "checks": {"database": "ok", "migrations": "ok"}},
    )


def test_not_ready_while_the_database_is_away(
    database_away: Callable[[], AbstractContextManager[None]],
) -> None:
    with database_away():
        response = Client().get("/healthz/ready")

    assert (response.status_code, response.json()) == (
        503,
        {"status": "unavailable", "checks": {"database": "unreachable", "migrations": "unknown"}},
    )
    assert Client().get("/healthz/ready").status_code == 200


def test_not_ready_while_a_migration_waits(db: None) -> None:
    this = "app = 'accounts' and name = '0001_initial'"
    with superuser_connection() as superuser:
        superuser.execute(f"update django_migrations set app = 'elsewhere' where {this}")
        response = Client().get("/healthz/ready")
        superuser.execute(
            f"update django_migrations set app = 'accounts' where {this.replace('accounts', 'elsewhere')}"
        )

    assert response.status_code == 503
    assert response.json()["checks"] == {"database": "ok", "migrations": "1 waiting"}


@pytest.mark.parametrize("path", ["/healthz/live", "/healthz/ready"])
def test_probe_is_only_read(db: None, path: str) -> None:
    assert Client().post(path).status_code == 405
    assert Client().head(path).status_code == 200
