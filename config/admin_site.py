"""Django's admin with a front page of our own."""

from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from config.dashboard import dashboard


class CofferAdminSite(AdminSite):
    """Shows the numbers of the shop to staff who may look at purchases and at the ledger."""

    site_header = _("Coffer administration")
    site_title = _("Coffer")
    index_title = _("Overview")
    index_template = "admin/overview.html"

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """A guest's browser goes through the shop's own door, where the guest's things come along."""
        if request.user.is_authenticated and request.user.is_guest:
            return redirect_to_login(request.GET.get("next") or reverse("admin:index"))
        return super().login(request, extra_context)

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """The overview above the list of tables."""
        may_see = request.user.has_perms(["purchases.view_purchase", "credits.view_account"])
        context = {"dashboard": dashboard() if may_see else None}
        return super().index(request, {**context, **(extra_context or {})})
