"""Production's shape in a process of its own: settings are read once, at import."""

import os
import subprocess
import sys

from tests.sandbox_process import PROJECT

SETTINGS = {
    "DEBUG": "false",
    "SECRET_KEY": "k3yNotUsedAnywhereElse-0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEF",
    "ALLOWED_HOSTS": "credits.example.com",
    "PUBLIC_BASE_URL": "https://credits.example.com",
    "STRIPE_SECRET_KEY": "sk_test_production_shape",
    "STRIPE_WEBHOOK_SECRET": "whsec_production_shape",
    "STRIPE_API_BASE": "",
    "CACHE_URL": "",
    "EMAIL_URL": "dummymail://",
    "TRUSTED_PROXY_COUNT": "1",
}


def run(*words: str, **changed: str) -> subprocess.CompletedProcess[str]:
    """Run `python WORDS...` with production's settings, changed where told; DATABASE_URL is the tests'."""
    environment = {**os.environ, **SETTINGS, **changed}
    environment.pop("DJANGO_ALLOW_ASYNC_UNSAFE", None)  # the journeys' own
    return subprocess.run(
        [sys.executable, *words],
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def load_wsgi(**changed: str) -> subprocess.CompletedProcess[str]:
    """What a web server does first."""
    return run("-c", "import config.wsgi", **changed)


def last_line(done: subprocess.CompletedProcess[str]) -> str:
    """The exception's own line."""
    return done.stderr.strip().splitlines()[-1]
