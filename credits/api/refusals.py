"""What the ledger refuses, as problems that a program can act on."""

import uuid
from typing import Any

from django.conf import settings

from credits import errors
from rest.problems import Problem, invalid


def problem_of(error: errors.CreditsError) -> Problem:
    """Say an error of the ledger as a problem."""
    match error:
        case errors.AccountInDebt():
            return _unpaid("account_in_debt", error, debt=error.debt)
        case errors.InsufficientCredits():
            return _unpaid("insufficient_credits", error)
        case errors.KeyReused():
            return Problem(422, "idempotency_key_reused", "This Idempotency-Key came with another request.")
        case errors.AccountMerged():
            return _conflict("account_merged", error, account=str(error.to))
        case errors.HoldEnded():
            return _conflict("hold_ended", error, outcome=error.outcome)
        case errors.MoreThanHeld():
            return _conflict("more_than_held", error, required=error.required, held=error.held)
        case errors.AlreadyReversed():
            return _conflict("already_reversed", error, reversible=error.reversible)
        case errors.UnknownHold() | errors.UnknownSpend():
            return Problem(404, "not_found", "There is nothing here, or nothing of yours.")
        case errors.LotRefused():
            return invalid("expires_at", "This has passed, or is after the year 9998.")
        case errors.AmountOutOfRange():
            return invalid("amount", "A JSON integer from 1 to 1000000000000.")
    raise error


def _unpaid(code: str, error: errors.InsufficientCredits, **more: Any) -> Problem:
    return Problem(
        402,
        code,
        f"{str(error).capitalize()}.",
        required=error.required,
        available=error.available,
        **more,
        top_up_url=settings.TOP_UP_URL,
    )


def _conflict(code: str, error: errors.CreditsError, **more: Any) -> Problem:
    return Problem(409, code, f"{str(error).capitalize()}.", **more)


_SOME = uuid.UUID("0192f0c1-2b3a-7c4d-8e5f-60718293a4b5")
MERGED = errors.AccountMerged(to=_SOME)
INSUFFICIENT = errors.InsufficientCredits(required=50, available=20)
IN_DEBT = errors.AccountInDebt(required=50, debt=30)
REUSED = errors.KeyReused(scope="client:1", key="job-7")
HOLD_ENDED = errors.HoldEnded(hold=_SOME, outcome="released")
MORE_THAN_HELD = errors.MoreThanHeld(required=8, held=5)
ALREADY_REVERSED = errors.AlreadyReversed(spend=_SOME, reversible=0)
