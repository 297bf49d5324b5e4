"""The API described: as OpenAPI for programs, as a page for people."""

import functools
from typing import Any

from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularSwaggerSplitView
from rest_framework.request import Request
from rest_framework.response import Response

from rest.endpoint import Endpoint


class SchemaView(Endpoint):
    """OpenAPI 3.1, as JSON."""

    authentication_classes = []
    admits_visitors = True

    @extend_schema(exclude=True)
    def get(self, request: Request) -> Response:
        return Response(description(), content_type="application/vnd.oai.openapi+json")


class DocsView(SpectacularSwaggerSplitView):
    """Swagger's page in two parts, because the content security policy admits no inline script."""

    authentication_classes = []
    permission_classes = []
    throttle_classes = []
    url_name = "api:schema"
    template_name = "rest/docs.html"


@functools.cache
def description() -> dict[str, Any]:
    """The whole description. It does not change while the process lives."""
    schema: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return schema
