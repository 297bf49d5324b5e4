"""The ledger's rules written the simplest way: lists and loops, one thread, no database.

test_machine.py does the same to this and to the real one, and they must say the same and stand the same.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from credits.errors import (
    AccountInDebt,
    AccountMerged,
    AlreadyReversed,
    HoldEnded,
    InsufficientCredits,
    KeyReused,
    MoreThanHeld,
    SourceUsed,
)
from tests.credits.plain_rows import Account, Entry, Hold, Lot, burn_order, parts_of

NOBODY = UUID(int=0)  # stands where an error has a uuid that the plain ledger does not know


class Plain:
    """All verbs on all accounts. People are numbers; a hold, a spend and a purchase are what the verb answered."""

    def __init__(self, *, is_debt_allowed: bool = False) -> None:
        self.is_debt_allowed = is_debt_allowed
        self.now = datetime.min.replace(tzinfo=UTC)
        self.accounts: dict[int, Account] = {}
        self.lots: list[Lot] = []
        self.holds: list[Hold] = []
        self.spends: list[tuple[Account, list[Entry]]] = []
        self.reversals: dict[int, list[Entry]] = {}
        self.purchases: dict[str, tuple[Account, list[Lot]]] = {}
        self.taken: dict[Lot, int] = {}  # by claw-backs of the purchase that made it
        self.entries = 0

    # The verbs: each answers what the ledger's Posting says, or raises what it raises.

    def grant(self, person: int, key: str, lots: list[dict[str, Any]], source: str = "") -> Any:
        account = self._open(person)
        request = ("grant", source, lots)
        while not (known := self._known(account, key, request)) and account.merged_into and source:
            account = account.merged_into
        if known:
            return known[1]
        self._refuse_merged(account)
        if source in self.purchases:
            raise SourceUsed(source=source)
        made = []
        for terms in lots:
            lot = self._fill(account, terms["kind"], {**terms, "purchase_ref": source})
            made.append(lot)
            if lot.kind == "paid":
                self._repay(account, lot, lot.granted)
        if source:
            self.purchases[source] = (account, made)
        return self._answer(account, key, request, added=sum(lot.granted for lot in made))

    def give_each(self, people: list[int], key: str, amount: int) -> Any:
        """Given, given before."""
        here = [person for person in people if not self._open(person).merged_into]
        before = sum(key in self.accounts[person].answers for person in here)
        for person in here:
            self.grant(person, key, [{"kind": "promo", "amount": amount}])
        return len(here) - before, before

    def spend(self, person: int, key: str, amount: int) -> Any:
        account, request = self.accounts.get(person, Account()), ("spend", amount)
        if known := self._known(account, key, request):
            return known[1]
        parts = self._allocate(account, amount)
        entries = [self._enter(account, "spend", lot, -part) for lot, part in parts]
        self.spends.append((account, entries))
        return self._answer(account, key, request, taken=parts)

    def hold(self, person: int, key: str, amount: int, length: timedelta | None) -> Any:
        account, request = self.accounts.get(person, Account()), ("hold", amount, length)
        if known := self._known(account, key, request):
            return known[1]
        until, parts = self.now + length if length else None, self._allocate(account, amount)
        return self._put_aside(Hold(account, amount, until, parts), key, request)

    def hold_purchase(self, source: str, key: str) -> Any:
        (account, lots), request = self.purchases[source], ("hold_purchase", source)
        while not (known := self._known(account, key, request)) and account.merged_into:
            account = account.merged_into
        if known:
            return known[1]
        parts = [(lot, lot.free) for lot in account.open_lots(self.now) if lot.root in lots]
        held = Hold(account, sum(part for _, part in parts), None, parts)
        return self._put_aside(held, key, request) if parts else None

    def capture(self, number: int, key: str, amount: int | None) -> Any:
        hold = self.holds[number]
        account, request = hold.account, ("capture", number, amount)
        if known := self._known(account, key, request):
            return known[1]
        if not hold.is_open or hold.is_due(self.now):
            raise HoldEnded(hold=NOBODY, outcome="")
        left = hold.amount if amount is None else amount
        if left > hold.amount:
            raise MoreThanHeld(required=left, held=hold.amount)
        self._end(hold)
        taken, entries = [], []
        for lot, reserved in hold.lines:
            part = min(left, reserved)
            left -= part
            if part:
                entries.append(self._enter(account, "capture", lot, -part))
                taken.append((lot, part))
            self._back(account, lot, reserved - part)
        self.spends.append((account, entries))
        answer = self._answer(account, key, request, taken=taken)
        self._follow(account)
        return answer

    def release(self, number: int, key: str, *, is_due: bool = False) -> Any:
        hold = self.holds[number]
        account, request = hold.account, ("release", number)
        if known := self._known(account, key, request):
            return known[1]
        if not hold.is_open:
            raise HoldEnded(hold=NOBODY, outcome="")
        self._end(hold)
        for lot, reserved in hold.lines:
            self._back(account, lot, reserved)
        answer = self._answer(account, key, request)
        self._follow(account)
        return answer

    def reverse(self, number: int, key: str, amount: int | None) -> Any:
        (account, entries), request = self.spends[number], ("reverse", number, amount)
        if known := self._known(account, key, request):
            return known[1]
        before = self.reversals.setdefault(number, [])
        left_of = [
            (entry.lot, -entry.amount - sum(back.amount for back in before if back.lot is entry.lot))
            for entry in reversed(entries)
        ]
        reversible = sum(part for _, part in left_of)
        left = reversible if amount is None else amount
        if left > reversible or not reversible:
            raise AlreadyReversed(spend=NOBODY, reversible=reversible)
        given_back = []
        for lot, most in left_of:
            if part := min(left, most):
                assert lot is not None
                left -= part
                before.append(self._enter(account, "reversal", lot, part))
                self._back(account, lot, part)
                given_back.append((lot, part))
        answer = self._answer(account, key, request, given_back=given_back)
        self._follow(account)
        return answer

    def adjust(self, person: int, key: str, amount: int) -> Any:
        account, request = self._open(person), ("adjust", amount)
        if known := self._known(account, key, request):
            return known[1]
        self._refuse_merged(account)
        if amount > 0:
            self._fill(account, "adjustment", {"kind": "adjustment", "amount": amount})
            return self._answer(account, key, request, added=amount)
        parts = self._allocate(account, -amount, is_debt_allowed=True)
        for lot, part in parts:
            self._enter(account, "adjustment", lot, -part)
        return self._answer(account, key, request, taken=parts)

    def claw_back(self, source: str, returned: int, paid: int) -> Any:
        account, lots = self.purchases[source]
        account = account.heir
        answer, clawed = None, 0
        for is_cancelling in (True, False):
            for lot in lots:
                change = lot.granted * max(0, min(paid, returned)) // paid - self.taken.get(lot, 0)
                if is_cancelling:
                    change = -max(0, min(-change, self._owed_for(lot), account.debt))
                if change:
                    self.taken[lot] = self.taken.get(lot, 0) + change
                    (self._take_back if change > 0 else self._give_back)(account, lot, abs(change))
                    clawed += change
                    answer = self._answer(account, "", None)
        return answer and {**answer, "clawed": clawed}

    def transfer(self, source: int, target: int, key: str) -> Any:
        if source == target or source not in self.accounts:
            return None
        there, here = self._open(target), self.accounts[source]
        request = ("transfer", source, target)
        if known := self._known(there, key, request):
            return known[1]
        self._refuse_merged(there)
        if here.merged_into not in (None, there):
            self._refuse_merged(here)
        self.expire(here)
        moved = self._move(here, there)
        here.merged_into = there
        return self._answer(there, key, request, added=moved)

    def sweep(self) -> tuple[int, int]:
        """Lots expired, holds released."""
        due = [number for number, hold in enumerate(self.holds) if hold.is_open and hold.is_due(self.now)]
        for number in due:
            self.release(number, f"expire:{number}", is_due=True)
        return sum(self.expire(account) for account in self.accounts.values()), len(due)

    def expire(self, account: Account) -> int:
        due = [lot for lot in account.lots if lot.has_expired(self.now) and lot.free]
        for lot in due:
            self._enter(account, "expiry", lot, -lot.free)
        return len(due)

    def available(self, account: Account) -> int:
        return 0 if account.debt and not self.is_debt_allowed else account.free(self.now)

    def _open(self, person: int) -> Account:
        return self.accounts.setdefault(person, Account())

    def _known(self, account: Account, key: str, request: Any) -> Any:
        if key in account.answers and account.answers[key][0] != request:
            raise KeyReused(scope="", key=key)
        return account.answers.get(key)

    def _refuse_merged(self, account: Account) -> None:
        if account.merged_into:
            raise AccountMerged(to=NOBODY)

    def _answer(self, account: Account, key: str, request: Any, **more: Any) -> Any:
        available = self.available(account)
        answer = {
            "available": available, "balance": available + account.held, "lifetime": account.lifetime,
            "spent": account.spent, "version": account.version, "added": 0, "taken": [], "given_back": [], "clawed": 0,
            **more,
        }  # fmt: skip
        if key:
            account.answers[key] = (request, answer)
        return answer

    def _allocate(
        self, account: Account, amount: int, *, is_debt_allowed: bool = False
    ) -> list[tuple[Lot, int]]:
        self._refuse_merged(account)
        free = account.free(self.now)
        if account.debt and not (is_debt_allowed or self.is_debt_allowed):
            raise AccountInDebt(required=amount, debt=account.debt)
        if amount > free:
            raise InsufficientCredits(required=amount, available=free)
        return list(parts_of(sorted(account.open_lots(self.now), key=burn_order), amount))

    def _enter(
        self,
        account: Account,
        kind: str,
        lot: Lot | None,
        amount: int,
        debt_change: int = 0,
        about: Lot | None = None,
    ) -> Entry:
        self.entries += 1
        entry = Entry(self.entries, kind, lot, amount, debt_change, about)
        account.entries.append(entry)
        account.debt += debt_change
        if lot is not None:
            lot.remaining += amount
        return entry

    def _fill(
        self,
        account: Account,
        kind: str,
        terms: dict[str, Any],
        origin: Lot | None = None,
        about: Lot | None = None,
    ) -> Lot:
        length = terms.get("expires_after")
        lot = Lot(
            number=len(self.lots), kind=terms["kind"], priority=terms.get("priority", 100), granted=terms["amount"],
            expires_at=terms.get("expires_at") if length is None else self.now + length,
            price_minor=terms.get("price_minor"), purchase_ref=terms.get("purchase_ref", ""), origin=origin,
        )  # fmt: skip
        self.lots.append(lot)
        account.lots.append(lot)
        kind = ("purchase" if lot.purchase_ref else "grant") if kind == "paid" else kind
        self._enter(account, kind, lot, lot.granted, about=about)
        return lot

    def _repay(self, account: Account, lot: Lot, amount: int) -> None:
        if part := min(account.debt, amount):
            self._enter(account, "repayment", lot, -part, -part)

    def _back(self, account: Account, lot: Lot, amount: int) -> None:
        """What has come back to a lot is gone if the lot has expired; else it repays debt."""
        if amount and lot.has_expired(self.now):
            self._enter(account, "expiry", lot, -amount)
        elif amount:
            self._repay(account, lot, amount)

    def _put_aside(self, hold: Hold, key: str, request: Any) -> Any:
        for lot, part in hold.lines:
            lot.held += part
            hold.account.hold_steps += 1
        self.holds.append(hold)
        return self._answer(hold.account, key, request, taken=hold.lines)

    def _end(self, hold: Hold) -> None:
        hold.is_open = False
        hold.account.hold_steps += 1
        for lot, reserved in hold.lines:
            lot.held -= reserved

    def _move(self, here: Account, there: Account) -> int:
        lots = [(lot, lot.free) for lot in here.open_lots(self.now)]
        back = []
        for lot, amount in lots:
            self._enter(here, "transfer", lot, -amount)
            terms = {**vars(lot), "amount": amount, "price_minor": lot.share_of_price(amount)}
            made = self._fill(there, "transfer", terms, origin=lot.root)
            back += [made] if here.merged_into else []
        if debt := here.debt:
            self._enter(here, "transfer", None, 0, -debt)
            self._enter(there, "transfer", None, 0, debt)
        for lot in sorted(there.open_lots(self.now), key=lambda lot: burn_order(lot, paid_last=False)):
            self._repay(there, lot, lot.free if lot.kind == "paid" or lot in back else 0)
        return sum(amount for _, amount in lots)

    def _follow(self, account: Account) -> None:
        if account.merged_into:
            self._move(account, account.heir)

    def _about(self, lot: Lot) -> list[Entry]:
        return [
            entry for account in self.accounts.values() for entry in account.entries if entry.about is lot
        ]

    def _owed_for(self, lot: Lot) -> int:
        return sum(entry.debt_change for entry in self._about(lot))

    def _bought_with(self, lot: Lot) -> list[Lot]:
        return next(lots for _, lots in self.purchases.values() if lot in lots)

    def _take_back(self, account: Account, lot: Lot, amount: int) -> None:
        def take(kept: Callable[[Lot], bool]) -> None:
            nonlocal amount
            lots = [one for one in account.open_lots(self.now) if kept(one)]
            for one, part in parts_of(sorted(lots, key=lambda one: burn_order(one, paid_last=False)), amount):
                self._enter(account, "claw_back", one, -part, about=lot)
                amount -= part

        expired = self._expired_of(lot, amount)
        take(lambda one: one.root is lot)
        amount -= min(amount, expired)
        take(lambda one: one.root in self._bought_with(lot))
        take(lambda one: one.kind == "paid")
        if amount:
            self._enter(account, "claw_back", None, 0, amount, about=lot)

    def _expired_of(self, lot: Lot, change: int) -> int:
        """What of a purchased lot nobody used, and was not counted as taken back before."""
        family = [one for one in self.lots if one.root is lot]
        booked = -sum(
            entry.amount
            for account in self.accounts.values()
            for entry in account.entries
            if entry.kind == "expiry" and entry.lot in family
        )
        unbooked = sum(one.free for one in family if one.has_expired(self.now))
        counted = (
            self.taken[lot] - change - sum(entry.debt_change - entry.amount for entry in self._about(lot))
        )
        return max(0, booked + unbooked - counted)

    def _give_back(self, account: Account, lot: Lot, amount: int) -> None:
        about, owed = self._about(lot), self._owed_for(lot)
        if part := min(amount, owed, account.debt):
            self._enter(account, "reinstatement", None, 0, -part, about=lot)
            amount, owed = amount - part, owed - part
        new = []
        order: dict[Lot, int] = {}
        for entry in sorted(about, key=lambda entry: entry.number):
            if entry.lot is not None:
                order[entry.lot] = order.pop(entry.lot, 0) - entry.amount
        for one in reversed(order):
            part = min(amount, max(order[one], 0))
            amount -= part
            if part and one in account.lots:
                self._enter(account, "reinstatement", one, part, about=lot)
                self._back(account, one, part)
            elif part:
                new.append(part)
        new += [part] if (part := min(amount, owed)) else []
        for part in new:
            price = lot.share_of_price(part)
            terms = {**vars(lot), "amount": part, "price_minor": price, "expires_at": None}
            self._repay(account, self._fill(account, "reinstatement", terms, origin=lot, about=lot), part)
