"""Every address of the project. Each app names its own below its prefix."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from config import health

handler400 = "config.views.bad_request"
handler403 = "config.views.permission_denied"
handler404 = "config.views.page_not_found"
handler500 = "config.views.server_error"

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="purchases:pricing")),
    path("", include("purchases.urls")),
    path("checkout/", include("checkout.urls")),
    path("credits/", include("credits.urls")),
    path("accounts/", include("accounts.urls")),
    path("admin/", admin.site.urls),
    path("healthz/live", health.live, name="live"),
    path("healthz/ready", health.ready, name="ready"),
]
