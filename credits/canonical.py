"""How the ledger's rows become bytes and hashes, said a second time in Python: sql/0001_canonical.sql is the first.

The proof uses this one, so that a changed function in the database cannot vouch for changed rows.
"""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def micros(at: datetime) -> int:
    """Whole microseconds since 1970 in UTC."""
    return (at - _EPOCH) // _MICROSECOND


def transaction_digest(row: Any) -> bytes:
    """The digest of a transaction; `row` has its columns, uuid, metadata and result as PostgreSQL writes them."""
    return hashlib.sha256(
        _fields(
            row.transaction_uuid,
            row.transaction_account_id,
            row.transaction_kind,
            row.scope,
            row.key,
            row.fingerprint.hex(),
            row.transaction_amount,
            row.source,
            row.reverses_id,
            row.about_lot_id,
            row.actor,
            row.reason,
            row.metadata,
            row.result,
            micros(row.transaction_created_at),
        )
    ).digest()


def entry_hash(row: Any, *, previous: bytes, digest: bytes) -> bytes:
    """The hash of an entry: its predecessor's, its transaction's digest, and what it says."""
    said = _fields(
        row.account_id,
        row.account_seq,
        row.lot_id,
        row.counter_account_id,
        row.kind,
        row.amount,
        row.debt_change,
        row.balance_after,
        row.debt_after,
        micros(row.created_at),
    )
    return hashlib.sha256(previous + digest + said).digest()


def _fields(*values: object) -> bytes:
    return b"".join(map(_field, values))


def _field(value: object) -> bytes:
    if value is None:
        return b"-"
    text = str(value).encode()
    return b"%d:%b" % (len(text), text)
