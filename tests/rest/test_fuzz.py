"""Schemathesis calls a live server with what the description allows and with what it forbids, as every kind of caller.

Bounded here; `make fuzz` takes longer (FUZZ_EXAMPLES).
"""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from pytest_django.live_server_helper import LiveServer

from accounts import api_keys
from accounts.models import User
from checkout.models import Tier
from credits.proof import prove
from tests.sandbox_process import SandboxProcess

EXAMPLES = os.environ.get("FUZZ_EXAMPLES", "4")
SECONDS = 3600
# Which refusals are allowed for what is told by our own tests; here: no 5xx, and nothing that is not described.
CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,"
    "response_schema_conformance,unsupported_method,ignored_auth"
)

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


def fuzz(server: LiveServer, headers: Mapping[str, str], *narrowed: str) -> str:
    """Run Schemathesis and return what it says; empty where it found nothing."""
    program = Path(sys.executable).parent / "schemathesis"
    told = [argument for name, value in headers.items() for argument in ("--header", f"{name}: {value}")]
    phases = ["--phases", "examples,coverage,fuzzing", "--checks", CHECKS, "--max-examples", EXAMPLES]
    ran = subprocess.run(
        [
            program,
            "run",
            f"{server.url}/api/schema/",
            *told,
            *phases,
            *narrowed,
            # How slow a busy machine is, is not the question.
            "--request-timeout",
            "60",
            "--suppress-health-check",
            "too_slow",
            "--seed",
            "7",
            "--warnings",
            "off",
        ],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
        env={**os.environ, "NO_COLOR": "1"},
    )
    return "" if ran.returncode == 0 else (ran.stdout + ran.stderr)[-20_000:]


def test_back_end_meets_no_surprise(live_server: LiveServer, alice: User) -> None:
    key = api_keys.create(name="Fuzz", scopes=list(api_keys.SCOPES)).key

    said = fuzz(live_server, {"Authorization": f"Api-Key {key}"}, "--include-tag", "credits")

    assert not said, said
    assert prove().problems == []


def test_buyer_meets_no_surprise(
    live_server: LiveServer, alice: User, plus: Tier, stripe: SandboxProcess
) -> None:
    said = fuzz(live_server, _session_of(alice), "--exclude-tag", "credits")

    assert not said, said
    assert prove().problems == []


def _session_of(person: User) -> dict[str, str]:
    """The headers of a signed-in browser, CSRF token and all."""
    client = Client()
    client.force_login(person, backend="accounts.backends.PasswordBackend")
    page = client.get("/pricing/")
    token = (
        client.cookies["csrftoken"].value if "csrftoken" in client.cookies else _token(page.content.decode())
    )
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    return {"Cookie": f"sessionid={session}; csrftoken={token}", "X-CSRFToken": token}


def _token(page: str) -> str:
    found = re.search(r'csrfmiddlewaretoken" value="(\w+)"', page)
    assert found
    return found[1]
