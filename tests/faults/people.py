"""Buyers who have signed in already: a session each, made at the database instead of through two forms."""

import json
import secrets

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore

from accounts.models import User


def sign_in(count: int, **fields: bool) -> str:
    """Make so many people; return their session keys as JSON."""
    assert settings.SESSION_ENGINE.endswith("db"), "what the database holds, every session engine reads"
    return json.dumps([_session(**fields) for _ in range(count)])


def _session(**fields: bool) -> str:
    # A password that fits nothing, without the cost of a hash.
    user = User.objects.create(email=f"{secrets.token_hex(8)}@example.com", password="!", **fields)
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[-1]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    assert session.session_key
    return session.session_key
