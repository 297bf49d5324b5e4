"""What the plain ledger of plain.py is made of: lots, entries, holds, accounts, as plain objects."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

FOR_EVER = datetime.max.replace(tzinfo=UTC)


@dataclass(eq=False)
class Lot:
    number: int
    kind: str
    priority: int
    granted: int
    expires_at: datetime | None
    price_minor: int | None
    purchase_ref: str
    origin: "Lot | None" = None
    remaining: int = 0
    held: int = 0

    @property
    def free(self) -> int:
        return self.remaining - self.held

    @property
    def root(self) -> "Lot":
        return self.origin or self

    def has_expired(self, now: datetime) -> bool:
        return self.expires_at is not None and self.expires_at <= now

    def share_of_price(self, amount: int) -> int | None:
        """Rounded half up."""
        return (
            None
            if self.price_minor is None
            else (2 * self.price_minor * amount + self.granted) // (2 * self.granted)
        )


@dataclass(eq=False)
class Entry:
    number: int
    kind: str
    lot: Lot | None
    amount: int
    debt_change: int
    about: Lot | None = None  # the lot whose claw-back it is


@dataclass(eq=False)
class Hold:
    account: "Account"
    amount: int
    expires_at: datetime | None
    lines: list[tuple[Lot, int]]
    is_open: bool = True

    def is_due(self, now: datetime) -> bool:
        return self.expires_at is not None and self.expires_at <= now


@dataclass(eq=False)
class Account:
    lots: list[Lot] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    answers: dict[str, tuple[Any, Any]] = field(default_factory=dict)  # key: request, answer
    hold_steps: int = 0
    debt: int = 0
    merged_into: "Account | None" = None

    @property
    def posted(self) -> int:
        return sum(entry.amount for entry in self.entries)

    @property
    def held(self) -> int:
        return sum(lot.held for lot in self.lots)

    @property
    def lifetime(self) -> int:
        grants = ("purchase", "grant", "bonus", "promo", "adjustment")
        return sum(max(entry.amount, 0) for entry in self.entries if entry.kind in grants)

    @property
    def spent(self) -> int:
        return -sum(entry.amount for entry in self.entries if entry.kind in ("spend", "capture", "reversal"))

    @property
    def version(self) -> int:
        return len(self.entries) + self.hold_steps

    @property
    def heir(self) -> "Account":
        return self.merged_into.heir if self.merged_into else self

    def open_lots(self, now: datetime) -> list[Lot]:
        return [lot for lot in self.lots if lot.free and not lot.has_expired(now)]

    def free(self, now: datetime) -> int:
        return sum(lot.free for lot in self.open_lots(now))


def burn_order(lot: Lot, *, paid_last: bool = True) -> tuple[Any, ...]:
    return (lot.priority, lot.expires_at or FOR_EVER, paid_last and lot.kind == "paid", lot.number)


def parts_of(lots: list[Lot], amount: int) -> Iterator[tuple[Lot, int]]:
    for lot in lots:
        if part := min(amount, lot.free):
            amount -= part
            yield lot, part
