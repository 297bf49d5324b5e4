"""Every address below /api/: the calls, their description, and a 404 that is a problem for all else."""

from django.urls import include, path, re_path

from rest.description import DocsView, SchemaView
from rest.views import Nowhere

app_name = "api"

version_1 = [
    path("", include("credits.api.urls")),
    path("", include("checkout.api.urls")),
    path("", include("purchases.api.urls")),
    path("", include("accounts.api.urls")),
]
urlpatterns = [
    path("v1/", include(version_1)),
    path("schema/", SchemaView.as_view(), name="schema"),
    path("docs/", DocsView.as_view(), name="docs"),
    # Also what keeps Django from redirecting a POST to the slash.
    re_path(r"^", Nowhere.as_view(), name="nowhere"),
]
