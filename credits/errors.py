"""Why the ledger refused. Every refusal leaves everything as it was."""

import uuid


class CreditsError(Exception):
    """Anything that a verb of the ledger raises on purpose."""


class InsufficientCredits(CreditsError):
    """There is less to spend than was asked for."""

    def __init__(self, *, required: int, available: int) -> None:
        super().__init__(f"{required} credits are required, {available} are available")
        self.required, self.available = required, available


class AccountInDebt(InsufficientCredits):
    """Nothing can be spent until the debt, left by a refund or a dispute, is paid."""

    def __init__(self, *, required: int, debt: int) -> None:
        super().__init__(required=required, available=0)
        self.debt = debt


class KeyReused(CreditsError):
    """The same scope and key came with another request before."""

    def __init__(self, *, scope: str, key: str) -> None:
        super().__init__(f"key {key!r} of scope {scope!r} stands for another request")
        self.scope, self.key = scope, key


class AccountMerged(CreditsError):
    """The account was merged into another one, which now holds its credits."""

    def __init__(self, *, to: uuid.UUID) -> None:
        super().__init__(f"the account was merged into {to}")
        self.to = to


class AmountOutOfRange(CreditsError):
    """An amount is a whole number from 1 to 10^12."""

    def __init__(self, *, amount: object) -> None:
        super().__init__(f"{amount!r} is not a whole number from 1 to 10^12")
        self.amount = amount


class SourceUsed(CreditsError):
    """The payment behind this purchase was credited before, under another key or to another account."""

    def __init__(self, *, source: str) -> None:
        super().__init__(f"{source} was credited before")
        self.source = source


class LotRefused(CreditsError):
    """The terms of a new lot make no sense: an expiry that has passed, for one."""

    def __init__(self) -> None:
        super().__init__("a lot expires in the future and before the year 9999, or never")


class HoldRefused(CreditsError):
    """A hold lasts some time, and 100 years at most."""


class UnknownHold(CreditsError):
    """There is no hold with this uuid."""

    def __init__(self, *, hold: uuid.UUID) -> None:
        super().__init__(f"there is no hold {hold}")
        self.hold = hold


class HoldEnded(CreditsError):
    """A hold ends once, and this one has: captured, released or expired."""

    def __init__(self, *, hold: uuid.UUID, outcome: str) -> None:
        super().__init__(f"hold {hold} has ended: {outcome}")
        self.hold, self.outcome = hold, outcome


class MoreThanHeld(CreditsError):
    """A capture takes what is held, or less."""

    def __init__(self, *, required: int, held: int) -> None:
        super().__init__(f"{required} is more than the {held} held")
        self.required, self.held = required, held


class UnknownSpend(CreditsError):
    """There is no spend or capture with this uuid."""

    def __init__(self, *, spend: uuid.UUID) -> None:
        super().__init__(f"there is no spend {spend}")
        self.spend = spend


class AlreadyReversed(CreditsError):
    """Less is left of the spend than was asked back."""

    def __init__(self, *, spend: uuid.UUID, reversible: int) -> None:
        super().__init__(f"of spend {spend} only {reversible} can be reversed")
        self.spend, self.reversible = spend, reversible


class UnknownPurchase(CreditsError):
    """No purchase was credited for this payment."""

    def __init__(self, *, source: str) -> None:
        super().__init__(f"purchase {source} was never credited")
        self.source = source
