"""The calls that move credits: a key alone makes them, with an Idempotency-Key each."""

import uuid
from datetime import timedelta
from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from credits import belongings, gifts, spending
from credits.api import answers, bodies
from credits.api.endpoint import LedgerEndpoint, answered
from credits.api.refusals import (
    ALREADY_REVERSED,
    HOLD_ENDED,
    IN_DEBT,
    INSUFFICIENT,
    MERGED,
    MORE_THAN_HELD,
    REUSED,
    problem_of,
)
from credits.holds import holds_of
from rest.bodies import Body, idempotency_key, members_of

TAKING = [problem_of(refusal) for refusal in (INSUFFICIENT, IN_DEBT, MERGED, REUSED)]


class MovingEndpoint(LedgerEndpoint):
    """One operation of the ledger, asked for by a client."""

    moves_credits = True
    required_scopes: ClassVar = {"POST": "spend"}

    def asked(self, request: Request, shape: type[Body]) -> dict[str, Any]:
        """The words for a verb: what the body says, under the client's own scope and key."""
        key = idempotency_key(request)
        return {
            **members_of(request, shape),
            "scope": self.caller.scope,
            "key": key,
            "actor": self.caller.scope,
        }


class SpendView(MovingEndpoint):
    """Take credits at once."""

    refuses: ClassVar = {"POST": TAKING}

    @extend_schema(
        operation_id="spend",
        summary="Spend credits",
        request=bodies.SpendBody,
        responses={201: answers.SpendAnswer},
    )
    def post(self, request: Request, account: str) -> Response:
        asked = self.asked(request, bodies.SpendBody)
        posting = spending.spend(user=self.holder(account), **asked)
        answer = answers.moved(posting, available=posting.available, taken=answers.parts(posting.taken))
        return answered(posting, answer)


class GrantView(MovingEndpoint):
    """Give credits that nobody paid for."""

    required_scopes: ClassVar = {"POST": "grant"}
    refuses: ClassVar = {"POST": [problem_of(MERGED), problem_of(REUSED)]}

    @extend_schema(
        operation_id="grant",
        summary="Grant promotional, bonus or adjustment credits",
        request=bodies.GrantBody,
        responses={201: answers.GrantAnswer},
    )
    def post(self, request: Request, account: str) -> Response:
        asked = self.asked(request, bodies.GrantBody)
        posting = gifts.give(user=self.holder(account), **asked)
        return answered(posting, answers.moved(posting, added=posting.added))


class HoldsView(MovingEndpoint):
    """Put credits aside, and see what this client has put aside."""

    required_scopes: ClassVar = {"GET": "read", "POST": "spend"}
    refuses: ClassVar = {"GET": [problem_of(MERGED)], "POST": TAKING}

    @extend_schema(operation_id="holds", summary="Your open holds", responses=answers.HoldsAnswer)
    def get(self, request: Request, account: str) -> Response:
        holder = self.holder(account)
        holder.refuse_merged()
        found = holds_of(holder, scope=self.caller.scope)
        return Response({"results": [answers.open_hold(hold) for hold in found]})

    @extend_schema(
        operation_id="hold",
        summary="Put credits aside",
        request=bodies.HoldBody,
        responses={201: answers.HoldAnswer},
    )
    def post(self, request: Request, account: str) -> Response:
        asked = self.asked(request, bodies.HoldBody)
        if "expires_in" in asked:
            asked["expires_in"] = timedelta(seconds=asked["expires_in"])
        posting = spending.hold(user=self.holder(account), **asked)
        answer = answers.moved(
            posting,
            available=posting.available,
            amount=answers.total(posting.taken),
            expires_at=posting.hold_expires_at,
            taken=answers.parts(posting.taken),
        )
        return answered(posting, {**answer, "id": str(posting.hold)})


class CaptureView(MovingEndpoint):
    """Spend what was put aside."""

    refuses: ClassVar = {"POST": [problem_of(HOLD_ENDED), problem_of(MORE_THAN_HELD), problem_of(REUSED)]}

    @extend_schema(
        operation_id="capture",
        summary="Spend what was put aside; the rest is free again",
        request=bodies.PartBody,
        responses={200: answers.CaptureAnswer},
    )
    def post(self, request: Request, hold: uuid.UUID) -> Response:
        asked = self.asked(request, bodies.PartBody)
        held = belongings.check_hold(hold, scope=self.caller.scope)
        posting = spending.capture(hold=hold, **asked)
        captured = answers.total(posting.taken)
        answer = answers.moved(
            posting,
            available=posting.available,
            hold=str(hold),
            captured=captured,
            released=held - captured,
            taken=answers.parts(posting.taken),
        )
        return answered(posting, answer, status=200)


class ReleaseView(MovingEndpoint):
    """Let go of what was put aside."""

    refuses: ClassVar = {"POST": [problem_of(HOLD_ENDED), problem_of(REUSED)]}

    @extend_schema(
        operation_id="release",
        summary="Let go of what was put aside",
        request=bodies.NothingBody,
        responses={200: answers.ReleaseAnswer},
    )
    def post(self, request: Request, hold: uuid.UUID) -> Response:
        asked = self.asked(request, bodies.NothingBody)
        held = belongings.check_hold(hold, scope=self.caller.scope)
        posting = spending.release(hold=hold, **asked)
        answer = answers.moved(posting, available=posting.available, hold=str(hold), released=held)
        return answered(posting, answer, status=200)


class ReverseView(MovingEndpoint):
    """Take a spend back."""

    refuses: ClassVar = {"POST": [problem_of(ALREADY_REVERSED), problem_of(REUSED)]}

    @extend_schema(
        operation_id="reverse",
        summary="Take a spend or capture back, in whole or in part",
        request=bodies.PartBody,
        responses={201: answers.ReverseAnswer},
    )
    def post(self, request: Request, spend: uuid.UUID) -> Response:
        asked = self.asked(request, bodies.PartBody)
        belongings.check_spend(spend, scope=self.caller.scope)
        posting = spending.reverse(spend=spend, **asked)
        answer = answers.moved(
            posting,
            available=posting.available,
            spend=str(spend),
            reversed=answers.total(posting.given_back),
            given_back=answers.parts(posting.given_back),
        )
        return answered(posting, answer)
