"""Calls the ledger's SQL: one statement a verb. Turns its refusals into the errors of errors.py."""

import functools
import json
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NoReturn

import structlog
from django.conf import settings
from django.db import (
    DEFAULT_DB_ALIAS,
    DatabaseError,
    DataError,
    ProgrammingError,
    connection,
    connections,
    transaction,
)
from psycopg import Cursor

from credits import canonical, errors
from credits.models import MOST_CREDITS

log = structlog.get_logger(__name__)

Run = Callable[[str, list[Any]], Any]


@dataclass(frozen=True, kw_only=True)
class Posting:
    """What one operation did, as it was answered the first time."""

    id: uuid.UUID  # of the transaction
    account: uuid.UUID
    added: int
    balance: int  # current: what can be spent and what is held
    balance_before: int
    available: int
    lifetime: int
    spent: int
    version: int
    taken: tuple[tuple[uuid.UUID, int], ...]  # lot, amount
    given_back: tuple[tuple[uuid.UUID, int], ...] = ()  # lot, amount
    # As the statement has it: with what a debt keeps from being spent.
    posted_before: int
    posted: int
    debt_paid: int = 0
    clawed: int = 0  # by a claw-back; negative: given back
    hold: uuid.UUID | None = None  # what was put aside, captured or released
    hold_expires_at: datetime | None = None
    replayed: bool


def spending_in_debt() -> bool:
    """Whether the site lets people spend while they owe credits. CREDITS_SPENDING_IN_DEBT, off by default."""
    return bool(getattr(settings, "CREDITS_SPENDING_IN_DEBT", False))


def available_of(*, free: int, debt: int) -> int:
    """What can be spent: nothing while debt blocks spending."""
    return free if debt == 0 or spending_in_debt() else 0


def check_amount(amount: object) -> int:
    """Return a whole number from 1 to 10^12 as it is. Raises AmountOutOfRange for anything else."""
    if type(amount) is not int or not 1 <= amount <= MOST_CREDITS:
        raise errors.AmountOutOfRange(amount=amount)
    return amount


def post(verb: str, *, scope: str, key: str, **arguments: Any) -> Posting:
    """Call `credits_VERB` and return what it answered. Raises what errors.py lists; then nothing has moved."""
    posting = try_to_post(verb, scope=scope, key=key, **arguments)
    assert posting is not None, "this verb always answers"
    return posting


def try_to_post(verb: str, *, scope: str, key: str, **arguments: Any) -> Posting | None:
    """As post, for a verb that may find nothing to do: None then."""
    result = _call(verb, p_scope=scope, p_key=key, **arguments)
    return None if result is None else _posted(verb, result, scope=scope, key=key)


def post_each(verb: str, *, scope: str, key: str, **arguments: Any) -> list[Posting]:
    """Call `credits_VERB_each`, which answers for each account. Raises as post; then nothing has moved on any."""
    results = _call(verb, is_each=True, p_scope=scope, p_key=key, **arguments)
    return [_posted(verb, result, scope=scope, key=key) for result in results]


def _posted(verb: str, result: dict[str, Any], *, scope: str, key: str) -> Posting:
    posting = posting_from(result)
    log.info(
        f"credits_{verb}",
        account=str(posting.account),
        transaction=str(posting.id),
        scope=scope,
        key=key,
        before=posting.balance_before,
        after=posting.balance,
        replayed=posting.replayed,
    )
    return posting


def posting_from(result: dict[str, Any]) -> Posting:
    """Read a transaction's stored answer."""
    return Posting(
        id=uuid.UUID(result["id"]),
        account=uuid.UUID(result["account"]),
        added=result.get("added", 0),
        balance=available_of(free=result["free"], debt=result["debt"]) + result["held"],
        balance_before=(
            available_of(free=result["free_before"], debt=result["debt_before"]) + result["held_before"]
        ),
        posted_before=result["free_before"] + result["held_before"],
        posted=result["free"] + result["held"],
        debt_paid=max(result["debt_before"] - result["debt"], 0),
        available=available_of(free=result["free"], debt=result["debt"]),
        lifetime=result["lifetime"],
        spent=result["spent"],
        version=result["version"],
        taken=_parts(result.get("taken", ())),
        given_back=_parts(result.get("given_back", ())),
        replayed=result.get("replayed", False),
        clawed=result.get("clawed", 0),
        hold=uuid.UUID(result["hold"]) if "hold" in result else None,
        hold_expires_at=canonical.instant(result.get("expires_at")),
    )


def _parts(parts: Iterable[tuple[str, int]]) -> tuple[tuple[uuid.UUID, int], ...]:
    return tuple((uuid.UUID(lot), amount) for lot, amount in parts)


def _call(verb: str, *, is_each: bool = False, **arguments: Any) -> Any:
    """One round trip, inside the caller's transaction too: there with a savepoint, which a refusal rolls back."""
    assert 0 < len(arguments["p_scope"]) <= 100, "a scope has 1 to 100 characters"
    assert 0 < len(arguments["p_key"]) <= 255, "a key has 1 to 255 characters"
    told = _told(verb)
    statement = _statement(verb, tuple(arguments), is_told=told is not None, is_each=is_each)
    values = [json.dumps(value) if isinstance(value, dict | list) else value for value in arguments.values()]
    values += told or ()
    if not connection.in_atomic_block:
        return _execute(statement, values, run=_alone)
    if not _is_prepared() and not connection.settings_dict["OPTIONS"].get("server_side_binding"):
        return _execute(statement, values, run=_nested)
    with transaction.atomic():  # three round trips: such a statement goes alone
        return _execute(statement, values, run=_alone)


def _execute(statement: str, values: list[Any], *, run: Run) -> Any:
    try:
        result = run(statement, values)
    except DatabaseError as error:
        _raise_refusal(error)
    return None if result is None else json.loads(result)  # Django has psycopg hand over jsonb as text


def _is_prepared() -> bool:
    return bool(getattr(settings, "CREDITS_PREPARED_STATEMENTS", False))


def _alone(statement: str, values: list[Any]) -> Any:
    """Past Django's cursor, which takes Python a tenth of a posting, unless somebody listens to what it runs."""
    database = connections[DEFAULT_DB_ALIAS]
    if database.queries_logged or database.execute_wrappers:
        with database.cursor() as cursor:
            cursor.execute(statement, values)
            return cursor.fetchone()[0]
    database.close_if_health_check_failed()
    database.ensure_connection()
    database.validate_thread_sharing()
    database.validate_no_broken_transaction()
    # Prepared: the server has parsed and planned it before; psycopg keeps it by its text.
    with database.wrap_database_errors, Cursor(database.connection) as raw:
        row = raw.execute(statement, values, prepare=_is_prepared()).fetchone()
    assert row is not None, "a function answers one row"
    return row[0]


def _nested(statement: str, values: list[Any]) -> Any:
    """The statement between its savepoint's beginning and end, sent as one."""
    with connection.cursor() as cursor:
        try:
            cursor.execute(f"savepoint credits_post; {statement}; release savepoint credits_post", values)
            cursor.nextset()
            return cursor.fetchone()[0]
        except BaseException as error:
            if not _was_sent(error):
                raise  # and there is no savepoint
            try:
                cursor.execute("rollback to savepoint credits_post; release savepoint credits_post")
            except DatabaseError:  # the connection is gone: the caller's whole transaction is
                connection.needs_rollback = True
            raise


def _was_sent(error: BaseException) -> bool:
    """False for a value that psycopg could not say in bytes, a text with a NUL in it, say."""
    is_about_values = isinstance(error, DataError | ProgrammingError)
    return not is_about_values or getattr(error.__cause__, "sqlstate", None) is not None


# What outgoing webhooks are told, and the setting that says so.
_TOPICS = {
    "grant": ("credits.granted", "CREDITS_TELL_GRANTED"),
    "spend": ("credits.spent", "CREDITS_TELL_SPENT"),
    "capture": ("credits.spent", "CREDITS_TELL_SPENT"),
}


def _told(verb: str) -> tuple[int, bool, str] | None:
    """What credits_tell is asked beside the verb's answer; None where nobody wants to be told."""
    low = int(getattr(settings, "LOW_BALANCE_CREDITS", 0))
    topic, setting = _TOPICS.get(verb, ("", ""))
    topic = topic if getattr(settings, setting, False) else ""
    return (low, spending_in_debt(), topic) if low or topic else None


@functools.cache
def _statement(verb: str, names: tuple[str, ...], *, is_told: bool, is_each: bool) -> str:
    arguments = ", ".join(f"{name} => %s" for name in names)
    if not is_each:
        call = f"credits_{verb}({arguments})"
        return f"select credits_tell({call}, %s, %s, %s)" if is_told else f"select {call}"
    answers = f"credits_{verb}_each({arguments}) as answer"
    if is_told:
        answers = f"{answers}, credits_tell(answer, %s, %s, %s) as told"
    return f"select coalesce(jsonb_agg({'told' if is_told else 'answer'}), '[]') from {answers}"  # noqa: S608  our words


def _raise_refusal(error: DatabaseError) -> NoReturn:
    """Raise what the SQL meant. Anything that is not a refusal of ours goes on as it came."""
    code = getattr(error.__cause__, "sqlstate", None)
    diagnosis = getattr(error.__cause__, "diag", None)
    if code in _REFUSALS:
        detail = json.loads(diagnosis.message_detail or "{}")  # type: ignore[union-attr]
        raise _REFUSALS[code](**detail) from None
    raise error


def _merged(to: str) -> errors.AccountMerged:
    return errors.AccountMerged(to=uuid.UUID(to))


def _unknown_hold(hold: str) -> errors.UnknownHold:
    return errors.UnknownHold(hold=uuid.UUID(hold))


def _hold_ended(hold: str, outcome: str) -> errors.HoldEnded:
    return errors.HoldEnded(hold=uuid.UUID(hold), outcome=outcome)


def _unknown_spend(spend: str) -> errors.UnknownSpend:
    return errors.UnknownSpend(spend=uuid.UUID(spend))


def _already_reversed(spend: str, reversible: int) -> errors.AlreadyReversed:
    return errors.AlreadyReversed(spend=uuid.UUID(spend), reversible=reversible)


_REFUSALS: dict[str | None, Any] = {
    "CR001": errors.InsufficientCredits,
    "CR002": errors.KeyReused,
    "CR003": _merged,
    "CR004": errors.AccountInDebt,
    "CR005": errors.AmountOutOfRange,
    "CR006": errors.SourceUsed,
    "CR007": errors.LotRefused,
    "CR008": _unknown_hold,
    "CR009": _hold_ended,
    "CR010": errors.MoreThanHeld,
    "CR011": _unknown_spend,
    "CR012": _already_reversed,
    "CR013": errors.UnknownPurchase,
}
