"""One's own statement, as a page and as a file. Both take the time it is of: ?from=2026-05-01&to=2026-05-31."""

from functools import partial
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from credits.balances import history_of
from credits.notices import notes_on
from credits.periods import Period, period_from
from credits.shown import shown_to
from credits.statements import csv_rows, statement_of

PAGE = 25


@require_safe
@login_required
def statement(request: HttpRequest) -> HttpResponse:
    """The balance and the entries behind it, newest first, a page at a time."""
    period = period_from(request.GET)
    before = request.GET.get("before", "")
    below = int(before) if before.isascii() and before.isdecimal() and len(before) < 19 else None
    # Of all time there is nothing before, and after it is what one has: no query for either.
    statement = statement_of(request.user, start=period.start, end=period.end) if period.is_limited else None
    read = statement.lines if statement else partial(history_of, request.user)
    lines = read(before=below, limit=PAGE + 1)
    query = urlencode({name: text for name, text in period.given.items() if text})
    balance = shown_to(request.user)
    context = {
        "balance": balance,
        "notes": notes_on(balance, now=timezone.now()),
        "period": period,
        "statement": statement,
        "lines": lines[:PAGE],
        "query": query,
        "next_url": f"?{_with(query, before=lines[PAGE - 1].seq)}" if len(lines) > PAGE else None,
        "first_url": f"?{query}" if before else None,
    }
    return render(request, "credits/statement.html", context, status=_status(period))


@require_safe
@login_required
def statement_csv(request: HttpRequest) -> HttpResponseBase:
    """Every entry of that time, newest first, sent while it is read. What is wrong with a date, the page says."""
    period = period_from(request.GET)
    if period.errors:
        return statement(request)
    response = StreamingHttpResponse(
        csv_rows(statement_of(request.user, start=period.start, end=period.end)),
        content_type="text/csv; charset=utf-8",
    )
    response["Content-Disposition"] = 'attachment; filename="statement.csv"'
    return response


def _with(query: str, *, before: int) -> str:
    return f"{query}&before={before}" if query else f"before={before}"


def _status(period: Period) -> int:
    return 400 if period.errors else 200
