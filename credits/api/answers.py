"""What the ledger's calls answer: built here, described here."""

from typing import Any, ClassVar

from rest_framework import serializers

from credits.balances import Balance, Line
from credits.book import Posting
from credits.holds import OpenHold
from credits.models import Entry


class PartAnswer(serializers.Serializer[Any]):
    """So much of one lot."""

    lot = serializers.UUIDField()
    amount = serializers.IntegerField()


class BalanceAnswer(serializers.Serializer[Any]):
    """The numbers of one account now. `version` rises with every change."""

    example: ClassVar = {
        "current": 100,
        "available": 95,
        "held": 5,
        "debt": 0,
        "lifetime": 100,
        "spent": 0,
        "version": 3,
        "next_expiry": None,
    }

    account = serializers.UUIDField(allow_null=True, help_text="None before the first credits.")
    current = serializers.IntegerField(help_text="Available and held.")
    available = serializers.IntegerField(help_text="What can be spent.")
    held = serializers.IntegerField()
    debt = serializers.IntegerField()
    lifetime = serializers.IntegerField()
    spent = serializers.IntegerField()
    version = serializers.IntegerField()
    next_expiry = serializers.DateTimeField(allow_null=True)


class SyncAnswer(serializers.Serializer[Any]):
    """Whether a page shows what is so."""

    example: ClassVar = {"in_sync": True, "version": 3, "available": 95}

    in_sync = serializers.BooleanField()
    version = serializers.IntegerField()
    available = serializers.IntegerField()


class EntryAnswer(serializers.Serializer[Any]):
    """One line of a statement."""

    example: ClassVar = {
        "id": "0192f0c1-5d6e-7f80-9a1b-2c3d4e5f6071",
        "seq": 2,
        "kind": "spend",
        "amount": -5,
        "balance_after": 95,
        "description": "One picture",
        "lot": "0192f0c1-2b3a-7c4d-8e5f-60718293a4b5",
        "purchase": None,
        "created_at": "2026-01-31T12:00:00.123456Z",
    }

    id = serializers.UUIDField()
    seq = serializers.IntegerField()
    kind = serializers.ChoiceField(Entry.Kind.values)
    amount = serializers.IntegerField()
    balance_after = serializers.IntegerField()
    description = serializers.CharField(allow_blank=True)
    lot = serializers.UUIDField(allow_null=True)
    purchase = serializers.CharField(allow_null=True)
    created_at = serializers.DateTimeField()


class EntriesAnswer(serializers.Serializer[Any]):
    """A page of a statement, newest first."""

    results = EntryAnswer(many=True)
    next = serializers.URLField(allow_null=True, help_text="Older entries.")
    previous = serializers.URLField(allow_null=True, help_text="Newer entries.")


class MovedAnswer(serializers.Serializer[Any]):
    """What every operation answers."""

    success = serializers.BooleanField()
    id = serializers.UUIDField()
    balance = serializers.IntegerField(help_text="The account's `current` after it.")
    lifetime = serializers.IntegerField()
    spent = serializers.IntegerField()


class SpendAnswer(MovedAnswer):
    """What was taken, and of which lots."""

    example: ClassVar = {
        "success": True,
        "id": "0192f0c1-5d6e-7f80-9a1b-2c3d4e5f6071",
        "balance": 95,
        "lifetime": 100,
        "spent": 5,
        "available": 95,
        "taken": [{"lot": "0192f0c1-2b3a-7c4d-8e5f-60718293a4b5", "amount": 5}],
    }

    available = serializers.IntegerField()
    taken = PartAnswer(many=True)


class GrantAnswer(MovedAnswer):
    """What was added."""

    example: ClassVar = {
        "success": True,
        "id": "0192f0c1-5d6e-7f80-9a1b-2c3d4e5f6071",
        "balance": 120,
        "lifetime": 120,
        "spent": 0,
        "added": 20,
    }

    added = serializers.IntegerField()


class HoldAnswer(MovedAnswer):
    """What was put aside; `id` is the hold's."""

    example: ClassVar = {
        "success": True,
        "id": "0192f0c1-5d6e-7f80-9a1b-2c3d4e5f6071",
        "balance": 100,
        "lifetime": 100,
        "spent": 0,
        "available": 95,
        "amount": 5,
        "expires_at": "2026-01-31T13:00:00Z",
        "taken": [{"lot": "0192f0c1-2b3a-7c4d-8e5f-60718293a4b5", "amount": 5}],
    }

    available = serializers.IntegerField()
    amount = serializers.IntegerField()
    expires_at = serializers.DateTimeField(allow_null=True)
    taken = PartAnswer(many=True)


class CaptureAnswer(SpendAnswer):
    """What was spent of a hold and what is free again; `id` is a spend's, which can be reversed."""

    example: ClassVar = {
        "success": True,
        "id": "0192f0c1-5d6e-7f80-9a1b-2c3d4e5f6071",
        "balance": 95,
        "lifetime": 100,
        "spent": 5,
        "available": 95,
        "taken": [{"lot": "0192f0c1-2b3a-7c4d-8e5f-60718293a4b5", "amount": 5}],
        "hold": "0192f0c1-2b3a-7c4d-8e5f-60718293a4b5",
        "captured": 5,
        "released": 0,
    }

    hold = serializers.UUIDField()
    captured = serializers.IntegerField()
    released = serializers.IntegerField()


class ReleaseAnswer(MovedAnswer):
    """What is free again."""

    example: ClassVar = {
        "success": True,
        "id": "0192f0c1-5d6e-7f80-9a1b-2c3d4e5f6071",
        "balance": 100,
        "lifetime": 100,
        "spent": 0,
        "available": 100,
        "hold": "0192f0c1-2b3a-7c4d-8e5f-60718293a4b5",
        "released": 5,
    }

    available = serializers.IntegerField()
    hold = serializers.UUIDField()
    released = serializers.IntegerField()


class ReverseAnswer(MovedAnswer):
    """What came back, and to which lots."""

    example: ClassVar = {
        "success": True,
        "id": "0192f0c1-5d6e-7f80-9a1b-2c3d4e5f6071",
        "balance": 100,
        "lifetime": 100,
        "spent": 0,
        "available": 100,
        "spend": "0192f0c1-2b3a-7c4d-8e5f-60718293a4b5",
        "reversed": 5,
        "given_back": [{"lot": "0192f0c1-2b3a-7c4d-8e5f-60718293a4b5", "amount": 5}],
    }

    available = serializers.IntegerField()
    spend = serializers.UUIDField()
    reversed = serializers.IntegerField()
    given_back = PartAnswer(many=True)


class OpenHoldAnswer(serializers.Serializer[Any]):
    """One hold that has not ended."""

    id = serializers.UUIDField()
    amount = serializers.IntegerField()
    description = serializers.CharField(allow_blank=True)
    lots = PartAnswer(many=True)
    expires_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()


class HoldsAnswer(serializers.Serializer[Any]):
    """The client's own open holds, newest first, a hundred at most; also of accounts that were merged into this one."""

    results = OpenHoldAnswer(many=True)


def balance(seen: Balance) -> dict[str, Any]:
    return {
        "account": seen.account and str(seen.account),
        "current": seen.current,
        "available": seen.available,
        "held": seen.held,
        "debt": seen.debt,
        "lifetime": seen.lifetime,
        "spent": seen.spent,
        "version": seen.version,
        "next_expiry": seen.next_expiry,
    }


def entry(line: Line) -> dict[str, Any]:
    return {
        "id": str(line.id),
        "seq": line.seq,
        "kind": line.kind,
        "amount": line.amount,
        "balance_after": line.balance_after,
        "description": line.description,
        "lot": line.lot and str(line.lot),
        "purchase": line.purchase or None,
        "created_at": line.created_at,
    }


def open_hold(hold: OpenHold) -> dict[str, Any]:
    return {
        "id": str(hold.id),
        "amount": hold.amount,
        "description": hold.description,
        "lots": parts(hold.lots),
        "expires_at": hold.expires_at,
        "created_at": hold.created_at,
    }


def moved(posting: Posting, **more: Any) -> dict[str, Any]:
    """What every operation answers, and what is its own."""
    return {
        "success": True,
        "id": str(posting.id),
        "balance": posting.balance,
        "lifetime": posting.lifetime,
        "spent": posting.spent,
        **more,
    }


def parts(pairs: Any) -> list[dict[str, Any]]:
    return [{"lot": str(lot), "amount": amount} for lot, amount in pairs]


def total(pairs: Any) -> int:
    return sum(amount for _lot, amount in pairs)
