"""Every address of the project. Each app names its own below its prefix."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView
from django.views.i18n import set_language

from config import brand, health, previews
from config.metrics import metrics

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
    path("api/", include("config.api_urls")),
    path("brand.css", brand.style_sheet, name="brand_style_sheet"),
    path("language/", set_language, name="set_language"),
    path("admin/", admin.site.urls),
    path("healthz/live", health.live, name="live"),
    path("healthz/ready", health.ready, name="ready"),
    path("metrics", metrics, name="metrics"),
]
if settings.DEBUG:
    urlpatterns += [
        path("emails/", previews.emails, name="email_previews"),
        path("emails/<str:topic>/<str:language>.<str:kind>", previews.email, name="email_preview"),
    ]
