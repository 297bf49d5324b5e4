"""What the API logs names things by their numbers, and nobody's secret."""

import io
import json
import logging
import uuid
from collections.abc import Iterator

import pytest
import structlog
from django.test import Client

from accounts import api_keys
from accounts.models import User
from tests.rest.calling import BackEnd
from tests.rest.conftest import Give


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """What production's handler would write."""
    written, root = io.StringIO(), logging.getLogger()
    formatters = [handler.formatter for handler in root.handlers]
    handler = logging.StreamHandler(written)
    handler.setFormatter(
        next(known for known in formatters if isinstance(known, structlog.stdlib.ProcessorFormatter))
    )
    kept, root.handlers = root.handlers, [handler]
    yield written
    root.handlers = kept


def test_no_secret_and_no_personal_data_is_logged(
    account: uuid.UUID, alice: User, alice_client: Client, give: Give, log: io.StringIO
) -> None:
    give(50)
    made = api_keys.create(name="Shop", scopes=list(api_keys.SCOPES))
    shop = BackEnd(made.key)
    shop.post("accounts/lookup/", {"user": "alice@example.com"})
    shop.post(
        f"accounts/{account}/spend/",
        {"amount": 5, "description": "private words", "metadata": {"a": "b-secret"}},
    )
    shop.post(f"accounts/{account}/spend/", {"amount": 500})
    shop.post(f"accounts/{account}/spend/", b"private words")
    BackEnd(made.key[:-1] + "x").get("accounts/me/balance/")
    token = alice_client.post("/api/v1/session/").json()["csrf_token"]

    logged = log.getvalue()

    assert f'"client_id": {made.client.pk}' in logged
    session = alice_client.cookies["sessionid"].value
    secrets = [
        made.key.partition(".")[2][:-1],
        "alice@example.com",
        "private words",
        "b-secret",
        token,
        session,
    ]
    assert [secret for secret in secrets if secret in logged] == []


def test_log_lines_cannot_be_forged(account: uuid.UUID, alice: User, give: Give, log: io.StringIO) -> None:
    give(50)
    shop = BackEnd(api_keys.create(name='Shop\n{"event": "forged"}\x1b[31m', scopes=["spend"]).key)

    shop.post(f"accounts/{account}/spend/", {"amount": 5, "description": 'a\r\n{"event": "forged"}'})

    logged = log.getvalue()
    assert "\x1b" not in logged
    assert {json.loads(line)["event"] for line in logged.splitlines()} >= {
        "credits_spend",
        "request_finished",
    }
    assert "forged" not in logged
