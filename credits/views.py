"""One's own statement, as a page and as a file."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from credits import statements
from credits.balances import balance_of, history_of

PAGE = 25


@require_safe
@login_required
def statement(request: HttpRequest) -> HttpResponse:
    """The balance and the entries behind it, newest first, a page at a time."""
    before = request.GET.get("before", "")
    below = int(before) if before.isascii() and before.isdecimal() and len(before) < 19 else None
    lines = history_of(request.user, before=below, limit=PAGE + 1)
    next_url = f"?before={lines[PAGE - 1].seq}" if len(lines) > PAGE else None
    context = {
        "balance": balance_of(request.user),
        "lines": lines[:PAGE],
        "next_url": next_url,
        "first_url": "?" if before else None,
    }
    return render(request, "credits/statement.html", context)


@require_safe
@login_required
def statement_csv(request: HttpRequest) -> StreamingHttpResponse:
    """Every entry, newest first, sent while it is read."""
    response = StreamingHttpResponse(
        statements.csv_rows(request.user), content_type="text/csv; charset=utf-8"
    )
    response["Content-Disposition"] = 'attachment; filename="statement.csv"'
    return response
