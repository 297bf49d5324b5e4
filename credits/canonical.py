"""How the ledger's rows become bytes and hashes, said a second time in Python: sql/0040_canonical.sql is the first.

The proof uses this one, so that a changed function in the database cannot vouch for changed rows.
"""

import hashlib
import struct
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

_UNIX_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_POSTGRES_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
# Numbers of PostgreSQL's types, which stand before each field.
_BYTES, _NUMBER, _INSTANT, _UUID = 17, 20, 1184, 2950
_COUNT, _HEAD, _WITH_NUMBER = struct.Struct(">i").pack, struct.Struct(">ii").pack, struct.Struct(">iiq").pack
# A length of -1 is NULL, which an empty value (length 0) is not.
_NULL_NUMBER = _HEAD(_NUMBER, -1)


def micros(at: datetime) -> int:
    """Whole microseconds since 1970 in UTC."""
    return (at - _UNIX_EPOCH) // _MICROSECOND


def instant(micros: int | None) -> datetime | None:
    """The instant that many microseconds after 1970; None for None."""
    return None if micros is None else _UNIX_EPOCH + micros * _MICROSECOND


def transaction_digest(row: Any) -> bytes:
    """The digest of a transaction; `row` has its columns, metadata and result as PostgreSQL writes them."""
    return _hash(
        _uuid(row.transaction_uuid),
        _number(row.transaction_account_id),
        _text(row.transaction_kind),
        _text(row.scope),
        _text(row.key),
        _bytes(row.fingerprint),
        _number(row.transaction_amount),
        _text(row.source),
        _number(row.reverses_id),
        _number(row.about_lot_id),
        _text(row.actor),
        _text(row.reason),
        _text(row.metadata),
        _text(row.result),
        _instant(row.transaction_created_at),
    )


def entry_hash(row: Any, *, previous: bytes, digest: bytes) -> bytes:
    """The hash of an entry: its predecessor's, its transaction's digest, and what it says."""
    return _hash(
        _bytes(previous),
        _bytes(digest),
        _number(row.account_id),
        _number(row.account_seq),
        _number(row.lot_id),
        _number(row.counter_account_id),
        _text(row.kind),
        _number(row.amount),
        _number(row.debt_change),
        _number(row.balance_after),
        _number(row.debt_after),
        _instant(row.created_at),
    )


def _hash(*fields: bytes) -> bytes:
    """Of PostgreSQL's binary record: the number of fields, then each as type, length and bytes."""
    return hashlib.sha256(_COUNT(len(fields)) + b"".join(fields)).digest()


def _number(value: int | None) -> bytes:
    return _NULL_NUMBER if value is None else _WITH_NUMBER(_NUMBER, 8, value)


def _bytes(value: bytes) -> bytes:
    return _HEAD(_BYTES, len(value)) + value


def _text(value: str) -> bytes:
    encoded = value.encode()
    return _HEAD(_BYTES, len(encoded)) + encoded


def _uuid(value: uuid.UUID) -> bytes:
    return _HEAD(_UUID, 16) + value.bytes


def _instant(value: datetime) -> bytes:
    return _WITH_NUMBER(_INSTANT, 8, (value - _POSTGRES_EPOCH) // _MICROSECOND)
