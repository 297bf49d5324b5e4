"""Every mail as it would be sent, with example data: /emails/, under DEBUG only."""

from pathlib import Path
from typing import Any

from csp.constants import UNSAFE_INLINE
from csp.decorators import csp_update
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from outbox.letters import written

EXAMPLE: dict[str, Any] = {
    "added": 220,
    "alarms": ["Nothing came from Stripe for two hours."],
    "asked": "",
    "credits_taken": 220,
    "credits": 220,
    "debt": 20,
    "expires_on": "2027-05-01",
    "expiring": 20,
    "from": "2027-04-01",
    "missing": 2,
    "odd": 1,
    "reason": "amount: 1800 here, 900 at Stripe",
    "refund": "re_123",
    "returned_missing": 0,
    "sessions": 120,
    "settled": 2,
    "status": "needs_response",
    "stripe_session": "cs_test_123",
    "to": "2027-04-15",
    "left": 7,
    "path": "/purchases/",
    "amount_minor": 1800,
    "currency": "USD",
    "purchase": "00000000-0000-4000-8000-000000000000",
    "reference": "8F1C2B3A",
    "tier_name": "Plus",
    "user": 0,
}


@require_safe
def emails(request: HttpRequest) -> HttpResponse:
    """A list of them."""
    context = {"topics": topics(), "languages": settings.LANGUAGES}
    return render(request, "previews/emails.html", context)


@require_safe
@csp_update({"style-src": [UNSAFE_INLINE]})  # type: ignore[arg-type]  # a mail brings its own style
def email(request: HttpRequest, topic: str, language: str, kind: str) -> HttpResponse:
    """One of them, as HTML or as text."""
    if topic not in topics() or language not in dict(settings.LANGUAGES) or kind not in ("html", "text"):
        raise Http404
    letter = written(topic, EXAMPLE, language=language)
    if kind == "html":
        return HttpResponse(letter.html)
    return HttpResponse(
        f"Subject: {letter.subject}\n\n{letter.text}", content_type="text/plain; charset=utf-8"
    )


def topics() -> list[str]:
    """Every topic that has a letter."""
    folder = Path(settings.BASE_DIR) / "templates" / "emails"
    return sorted(path.name.removesuffix(".subject.txt") for path in folder.glob("*.subject.txt"))
