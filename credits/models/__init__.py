"""The ledger's tables. They are written by the functions in credits/sql/ and by nothing else; see docs/ledger.md.

No verb lives here: deposits, spending and balances have them.
"""

from credits.models.accounts import NO_HASH, Account
from credits.models.holds import Hold, HoldLine, HoldResolution
from credits.models.journal import Entry, LedgerTransaction
from credits.models.lots import MOST_CREDITS, Lot
from credits.models.runs import VerifyRun

__all__ = [
    "MOST_CREDITS",
    "NO_HASH",
    "Account",
    "Entry",
    "Hold",
    "HoldLine",
    "HoldResolution",
    "LedgerTransaction",
    "Lot",
    "VerifyRun",
]
