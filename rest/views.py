"""Addresses that are not there."""

from typing import Any

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from rest.endpoint import Endpoint


@extend_schema(exclude=True)
class Nowhere(Endpoint):
    """404 for every method, without a word on who asked."""

    authentication_classes = []
    permission_classes = []

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        raise Http404
