"""Browsers that check CSRF tokens as real ones are checked, and what they send."""

from typing import Any

import pytest
from django.test import Client

REGISTRATION = {"email": "dora@example.com", "password1": "winter-lake-92", "password2": "winter-lake-92"}


@pytest.fixture
def visitor(db: None) -> Client:
    """A browser that nobody has signed in with."""
    return Client()


@pytest.fixture
def registration() -> dict[str, Any]:
    return dict(REGISTRATION)
