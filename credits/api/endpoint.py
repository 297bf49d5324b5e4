"""What the ledger's endpoints share: whose account is meant, refusals as problems, replays marked."""

import uuid
from typing import Any, ClassVar

from django.http import Http404
from rest_framework.response import Response

from credits import accounts
from credits.accounts import Holder
from credits.api.refusals import problem_of
from credits.book import Posting
from credits.errors import CreditsError
from rest.callers import Caller
from rest.endpoint import Endpoint

ME = "me"


class LedgerEndpoint(Endpoint):
    """Says the ledger's refusals as problems."""

    path_help: ClassVar = {
        "account": "An account's uuid (see lookup); `me` for the person who is signed in.",
        "hold": "The `id` of a hold of yours.",
        "spend": "The `id` of a spend or capture of yours.",
    }

    def handle_exception(self, exc: Exception) -> Response:
        return super().handle_exception(problem_of(exc) if isinstance(exc, CreditsError) else exc)

    def holder(self, account: str) -> Holder:
        """Whose account is meant: a key names any, a person only their own. Raises Http404."""
        is_key = isinstance(self.request.auth, Caller)
        if account == ME and not is_key:
            return Holder(pk=self.request.user.pk)
        try:
            found = accounts.holder_of(uuid.UUID(account)) if len(account) == 36 else None
        except ValueError:
            found = None
        if found is None or not (is_key or found.pk == self.request.user.pk):
            raise Http404
        return found


def answered(posting: Posting, answer: dict[str, Any], *, status: int = 201) -> Response:
    """The answer of an operation; one that was given before is marked and otherwise the same, byte by byte."""
    headers = {"Idempotency-Replayed": "true"} if posting.replayed else None
    return Response(answer, status=status, headers=headers)
