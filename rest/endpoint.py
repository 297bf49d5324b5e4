"""The view that every call is."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from rest_framework.views import APIView

from rest.callers import Caller
from rest.problems import Problem

# No OPTIONS: the description is at /api/schema/, and `Allow` must not promise what is refused.
METHODS = [name for name in APIView.http_method_names if name != "options"]


class Endpoint(APIView):
    """A view that says whom it lets in: keys by a scope for each method, buyers by session, visitors.

    For the description: an example of each refusal of its own by method, and words on what is in the address.
    """

    http_method_names = METHODS
    required_scopes: ClassVar[Mapping[str, str]] = {}
    admits_buyers: ClassVar[bool] = False
    admits_visitors: ClassVar[bool] = False
    moves_credits: ClassVar[bool] = False
    path_help: ClassVar[Mapping[str, str]] = {}
    refuses: ClassVar[Mapping[str, Sequence[Problem]]] = {}

    @property
    def caller(self) -> Caller:
        """The client that calls, where only keys are admitted."""
        assert isinstance(self.request.auth, Caller), "only keys are admitted here"
        return self.request.auth
