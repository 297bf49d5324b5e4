"""Keys for other back ends: made, rotated, revoked, and recognised. A key is shown once; its hash is kept.

The key itself holds 190 random bits, so that one round of SHA-512 keeps it as well as a slow hash would.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.contrib.auth.models import AnonymousUser
from django.db import connection, transaction
from django.db.models import Q
from django.db.models.functions import Now
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request
from rest_framework_api_key.crypto import KeyGenerator

from accounts.locks import lock_client
from accounts.models import ApiClient, ApiKey, User
from rest.callers import Caller
from rest.problems import Problem

log = structlog.get_logger(__name__)

SCOPES = ("read", "spend", "grant")
OVERLAP = timedelta(hours=24)
SCHEME = "Api-Key"
_GENERATOR = KeyGenerator()
_UNKNOWN_HASH = _GENERATOR.hash("compared with when no key has that prefix")


@dataclass(frozen=True, kw_only=True)
class NewKey:
    """A key as it is shown, once."""

    client: ApiClient
    prefix: str
    key: str


def create(
    *, name: str, scopes: list[str], owner: User | None = None, expires_at: datetime | None = None
) -> NewKey:
    """Store a client and its first key. `scopes` are of SCOPES, one at least."""
    assert set(scopes) <= set(SCOPES), "a scope is one of SCOPES"
    with transaction.atomic():
        client = ApiClient.objects.create(
            name=name, owner=owner, expires_at=expires_at, **{f"may_{scope}": True for scope in scopes}
        )
        return issue(client=client)


def issue(*, client: ApiClient) -> NewKey:
    """Give `client` one more key, beside those it has."""
    shown, prefix, hashed = _GENERATOR.generate()
    ApiKey.objects.create(client=client, prefix=prefix, hashed_key=hashed)
    log.info("api_key_created", prefix=prefix, client_id=client.pk, scopes=client.scopes)
    return NewKey(client=client, prefix=prefix, key=shown)


def rotate(*, client: ApiClient, overlap: timedelta = OVERLAP) -> NewKey:
    """Give `client` a new key; those it has go on for `overlap`, so that nobody is locked out while it changes."""
    with transaction.atomic():
        lock_client(client.pk)
        usable = ApiKey.objects.filter(client=client, revoked_at__isnull=True)
        ends_later = Q(expires_at__isnull=True) | Q(expires_at__gt=Now() + overlap)
        usable.filter(ends_later).update(expires_at=Now() + overlap)
        return issue(client=client)


def revoke(key: ApiKey) -> None:
    """End one key now and for ever."""
    if ApiKey.objects.filter(pk=key.pk, revoked_at__isnull=True).update(revoked_at=Now()):
        log.info("api_key_revoked", prefix=key.prefix, client_id=key.client_id)


def revoke_client(client: ApiClient) -> None:
    """End a client with all its keys. What it held can still be released by the expiry or an operator."""
    if ApiClient.objects.filter(pk=client.pk, revoked_at__isnull=True).update(revoked_at=Now()):
        log.info("api_client_revoked", client_id=client.pk)


def caller_of(key: str) -> Caller | None:
    """Return who shows this key; None for one that is unknown, revoked or expired, by the database's clock."""
    prefix = key.partition(".")[0]
    if not prefix.isascii() or not prefix.isalnum() or len(prefix) > 8:
        return None
    with connection.cursor() as cursor:
        cursor.execute(_KEY, [prefix])
        row = cursor.fetchone()
        hashed, key_id, client_id, reads, spends, grants, is_stale = row or (_UNKNOWN_HASH, *[None] * 6)
        if not _GENERATOR.verify(key, hashed) or row is None:
            return None
        if is_stale:
            cursor.execute(_USED, [key_id])
    allowed = zip(SCOPES, (reads, spends, grants), strict=True)
    return Caller(client=client_id, scopes=frozenset(scope for scope, may in allowed if may))


class KeyAuthentication(BaseAuthentication):
    """`Authorization: Api-Key PREFIX.SECRET`. A wrong one is 401 and never falls back to a session."""

    def authenticate(self, request: Request) -> tuple[Any, Caller] | None:
        scheme, _, key = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
        if scheme.lower() != SCHEME.lower():
            return None
        caller = caller_of(key.strip())
        if caller is None:
            headers = {"WWW-Authenticate": SCHEME}
            raise Problem(401, "invalid_key", "The key is unknown, revoked or expired.", headers=headers)
        structlog.contextvars.bind_contextvars(client_id=caller.client)
        return AnonymousUser(), caller

    def authenticate_header(self, request: Request) -> str:
        return SCHEME


# One indexed look, not the ORM: every call with a key makes it.
_KEY = """
select key.hashed_key, key.id, client.id, client.may_read, client.may_spend, client.may_grant,
  coalesce(key.last_used_at < statement_timestamp() - interval '1 minute', true)
from accounts_apikey as key
join accounts_apiclient as client on client.id = key.client_id
where key.prefix = %s
  and key.revoked_at is null
  and client.revoked_at is null
  and coalesce(least(key.expires_at, client.expires_at) > statement_timestamp(), true)
"""
_USED = "update accounts_apikey set last_used_at = statement_timestamp() where id = %s"
