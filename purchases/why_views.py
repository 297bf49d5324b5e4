"""Why is my balance that? For its owner, and for an operator who may look at purchases and entries."""

from typing import Any

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from credits.balances import balance_of
from credits.people import Person
from purchases import why

PAGE = 25
PERMISSIONS = ("purchases.view_purchase", "credits.view_entry")


@require_safe
@login_required
def why_mine(request: HttpRequest) -> HttpResponse:
    """One's own balance explained: no key, no actor, and receipts of one's own only."""
    return render(request, "purchases/why.html", _explained(request, request.user))


@require_safe
def why_theirs(request: HttpRequest, user_id: int) -> HttpResponse:
    """Anybody's balance explained, with keys and actors. Comes through the admin site, which signs operators in."""
    if not request.user.has_perms(PERMISSIONS):
        raise PermissionDenied
    user = get_object_or_404(get_user_model(), pk=user_id)
    context = {
        **admin.site.each_context(request),
        **_explained(request, user),
        "title": _("Why this balance?"),
        "person": user,
        "balance": balance_of(user),
    }
    return render(request, "admin/purchases/why.html", context)


def _explained(request: HttpRequest, user: Person) -> dict[str, Any]:
    before = request.GET.get("before", "")
    below = int(before) if before.isascii() and before.isdecimal() and len(before) < 19 else None
    rows = why.entries_explained(user, before=below, limit=PAGE + 1)
    return {
        "sentence": why.sentence(user),
        "rows": rows[:PAGE],
        "next_url": f"?before={rows[PAGE - 1].behind.line.seq}" if len(rows) > PAGE else None,
        "first_url": "?" if before else None,
    }
