"""Balances, entries and whether a page shows what is so. A person reads their own, a key with `read` any."""

import re
from typing import ClassVar

import structlog
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from credits.api import answers, refusals
from credits.api.endpoint import LedgerEndpoint
from credits.balances import balance_of, history_above, history_of
from rest.problems import Problem, invalid

log = structlog.get_logger(__name__)

PAGE = 50
CURSOR = re.compile(r"([ab])([0-9]{1,18})\Z", re.ASCII)
NUMBER = re.compile(r"[0-9]{1,19}\Z", re.ASCII)
BAD_CURSOR = Problem(400, "invalid_cursor", "Take the cursor from next or previous.")
BAD_NUMBER = invalid("version", "A whole number.")


class BalanceView(LedgerEndpoint):
    """What is on an account."""

    required_scopes: ClassVar = {"GET": "read"}
    admits_buyers = True
    refuses: ClassVar = {"GET": [refusals.problem_of(refusals.MERGED)]}

    @extend_schema(operation_id="balance", summary="Balance", responses=answers.BalanceAnswer)
    def get(self, request: Request, account: str) -> Response:
        holder = self.holder(account)
        holder.refuse_merged()
        return Response(answers.balance(balance_of(holder)))


class EntriesView(LedgerEndpoint):
    """A statement, a page at a time."""

    required_scopes: ClassVar = {"GET": "read"}
    admits_buyers = True
    refuses: ClassVar = {"GET": [BAD_CURSOR, refusals.problem_of(refusals.MERGED)]}

    @extend_schema(
        operation_id="entries",
        summary="Entries, newest first",
        parameters=[OpenApiParameter("cursor", str, description="From next or previous of another page.")],
        responses=answers.EntriesAnswer,
    )
    def get(self, request: Request, account: str) -> Response:
        holder = self.holder(account)
        holder.refuse_merged()
        cursor = request.query_params.get("cursor", "")
        found = CURSOR.match(cursor)
        if cursor and found is None:
            raise BAD_CURSOR
        seq = int(found[2]) if found else None
        is_upwards = found is not None and found[1] == "a"
        if is_upwards and seq is not None:
            lines = history_above(holder, after=seq, limit=PAGE + 1)
        else:
            lines = history_of(holder, before=seq, limit=PAGE + 1)
        has_more = len(lines) > PAGE
        lines = (lines[1:] if is_upwards else lines[:PAGE]) if has_more else lines
        has_older, has_newer = (True, has_more) if is_upwards else (has_more, found is not None)
        return Response(
            {
                "results": [answers.entry(line) for line in lines],
                "next": _page(request, f"b{lines[-1].seq}") if lines and has_older else None,
                "previous": _page(request, f"a{lines[0].seq}") if lines and has_newer else None,
            }
        )


class SyncView(LedgerEndpoint):
    """Whether the numbers on a page are the server's."""

    admits_buyers = True
    refuses: ClassVar = {"GET": [BAD_NUMBER]}

    @extend_schema(
        operation_id="balance_sync",
        summary="Does a page show the balance as it is?",
        parameters=[
            OpenApiParameter("version", int, description="Of the balance that the page shows."),
            OpenApiParameter("available", int, description="What the page shows."),
        ],
        responses=answers.SyncAnswer,
    )
    def get(self, request: Request) -> Response:
        shown = [_number(request, name) for name in ("version", "available")]
        now = balance_of(request.user)
        if shown[0] == now.version and shown[1] not in (None, now.available):
            # Also when credits have expired in between; a page that knows of it does not ask here.
            log.warning("balance_disagreement", version=now.version, shown=shown[1], available=now.available)
        return Response(
            {
                "in_sync": shown == [now.version, now.available],
                "version": now.version,
                "available": now.available,
            }
        )


def _page(request: Request, cursor: str) -> str:
    return request.build_absolute_uri(f"{request.path}?cursor={cursor}")


def _number(request: Request, name: str) -> int | None:
    text = request.query_params.get(name)
    if not text:
        return None
    if not NUMBER.match(text):
        raise invalid(name, "A whole number.")
    return int(text)
