"""Purchases, events and reports, to look at. Nothing is edited here; operator_views.py has what operators may do."""

from typing import Any

import structlog
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from checkout.amounts import amount, in_place
from outbox.read_only import ReadOnlyAdmin
from purchases import exporting, masking, operator_views, report_views, why_views
from purchases.models import (
    BackfillRun,
    Dispute,
    FraudWarning,
    OperatorAction,
    ProofReport,
    Purchase,
    Refund,
    StripeEvent,
    WebhookTally,
)

log = structlog.get_logger(__name__)

AMOUNTS = {
    field: amount(field, words)
    for field, words in {
        "price_minor": _("price"),
        "amount_subtotal": _("before tax and discounts"),
        "amount_discount": _("discount"),
        "amount_tax": _("tax"),
        "amount_total": _("paid"),
        "refunded_minor": _("refunded"),
        "disputed_minor": _("disputed"),
    }.items()
}


@admin.register(Purchase)
class PurchaseAdmin(ReadOnlyAdmin):
    """What was sold, how it stands, and which net credited it."""

    list_display = (
        "reference",
        "created_at",
        "owner",
        "status",
        "tier_name",
        AMOUNTS["price_minor"],
        "credits",
        "bonus_credits",
        "credited_via",
        "is_late",
        "is_duplicate",
        "why",
    )
    list_filter = ("status", "credited_via", "is_late", "is_duplicate", "currency", "tier_slug")
    search_fields = ("=uuid", "=stripe_session_id", "=payment_intent", "owner__email")
    list_select_related = ("owner",)
    exclude = ("buyer_email", "request")
    readonly_fields = ("asked",)
    actions = ("export_as_csv",)

    def get_urls(self) -> list[URLPattern]:
        """The operators' pages, each behind the admin's sign-in and its own permission."""
        return [
            _page("diagnose/", report_views.diagnose, "purchase_diagnose"),
            _page("duplicates/", report_views.duplicates, "purchase_duplicates"),
            _page("adjust/", operator_views.adjust, "purchase_adjust"),
            _page("<int:purchase_id>/settle/", operator_views.settle, "purchase_settle"),
            _page("<int:purchase_id>/expire/", operator_views.expire, "purchase_expire"),
            _page("<int:purchase_id>/refund/", operator_views.refund, "purchase_refund"),
            _page("<int:purchase_id>/release/", operator_views.release, "purchase_release"),
            path(
                "why/<int:user_id>/", self.admin_site.admin_view(why_views.why_theirs), name="purchases_why"
            ),
            *super().get_urls(),
        ]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """All of them, money with its currency."""
        return in_place(super().get_fields(request, obj), AMOUNTS)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """One purchase, with what this operator may do about it."""
        tools = report_views.tools_for(request, self.get_object(request, object_id))
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), "tools": tools})

    def has_export_permission(self, request: HttpRequest) -> bool:
        """Whether this operator may take the list away."""
        return request.user.has_perm("purchases.export_purchase")

    @admin.action(description=_("Export as CSV"), permissions=["export"])
    def export_as_csv(self, request: HttpRequest, chosen: QuerySet[Purchase]) -> StreamingHttpResponse:
        """The chosen purchases, or with *select all* everything that the filters leave."""
        response = StreamingHttpResponse(exporting.csv_of(chosen), content_type="text/csv; charset=utf-8")
        response.headers["Content-Disposition"] = 'attachment; filename="purchases.csv"'
        log.info("purchases_exported", by=request.user.pk)
        return response

    @admin.display(description=_("asked of Stripe"))
    def asked(self, purchase: Purchase) -> str:
        """The frozen parameters, without the signature that a lost purchase is rebuilt by."""
        return format_html("<pre>{}</pre>", masking.as_text(purchase.request))

    @admin.display(description=_("balance"))
    def why(self, purchase: Purchase) -> str:
        """A link to why the owner's balance is what it is."""
        if purchase.owner_id is None:
            return ""
        return format_html(
            '<a href="{}">{}</a>', reverse("admin:purchases_why", args=[purchase.owner_id]), _("why?")
        )


@admin.register(StripeEvent)
class StripeEventAdmin(ReadOnlyAdmin):
    """What Stripe sent and whether it is handled."""

    list_display = (
        "event_id",
        "type",
        "object_id",
        "state",
        "attempts",
        "received_at",
        "handled_at",
        "error",
    )
    list_filter = ("state", "type")
    search_fields = ("=event_id", "=object_id")
    exclude = ("payload",)
    readonly_fields = ("said",)

    def get_urls(self) -> list[URLPattern]:
        """How webhooks do, and the replay of one event."""
        return [
            _page("webhooks/", report_views.webhooks, "stripeevent_webhooks"),
            _page("<int:event_id>/replay/", operator_views.replay, "stripeevent_replay"),
            *super().get_urls(),
        ]

    @admin.display(description=_("what Stripe sent"))
    def said(self, event: StripeEvent) -> str:
        """The event, without the person."""
        return format_html("<pre>{}</pre>", masking.as_text(event.payload))


@admin.register(ProofReport)
class ProofReportAdmin(ReadOnlyAdmin):
    """The dated proofs between Stripe and the ledger. Sums and findings are tables, in the page's own template."""

    exclude = ("totals", "findings")

    list_display = (
        "created_at",
        "from_at",
        "to_at",
        "sessions",
        "missing",
        "settled",
        "returned_missing",
        "odd",
        "not_ours",
        "is_fine",
    )
    list_filter = ("created_at",)

    @admin.display(boolean=True, description=_("nothing was off"))
    def is_fine(self, report: ProofReport) -> bool:
        return report.is_fine


@admin.register(BackfillRun)
class BackfillRunAdmin(ReadOnlyAdmin):
    """How far Stripe's events were seen, and when."""

    list_display = ("ran_at", "from_at", "seen_until", "checked", "credited", "failed", "waiting", "has_gap")
    list_filter = ("has_gap",)


@admin.register(OperatorAction)
class OperatorActionAdmin(ReadOnlyAdmin):
    """Who did what, when and why."""

    list_display = ("created_at", "kind", "outcome", "reason", "actor", "actor_name", "subject")
    list_filter = ("kind", "created_at")
    search_fields = ("=subject", "=actor_name", "reason")
    list_select_related = ("actor",)


@admin.register(WebhookTally)
class WebhookTallyAdmin(ReadOnlyAdmin):
    """How webhook calls went, day by day."""

    list_display = ("day", "outcome", "reason", "count", "last_at")
    list_filter = ("outcome", "day")
    ordering = ("-last_at",)


@admin.register(Refund)
class RefundAdmin(ReadOnlyAdmin):
    """Every refund, made here or at Stripe."""

    list_display = (
        "created_at",
        "purchase",
        amount("amount_minor", _("amount")),
        "status",
        "reason",
        "actor",
        "stripe_id",
        "error",
    )
    list_filter = ("status",)
    search_fields = ("=stripe_id", "=uuid", "=purchase__uuid")
    list_select_related = ("purchase",)


@admin.register(Dispute)
class DisputeAdmin(ReadOnlyAdmin):
    """Every dispute and inquiry, and what it withdrew."""

    list_display = (
        "created_at",
        "purchase",
        amount("amount_minor", _("amount")),
        amount("taken_minor", _("funds withdrawn")),
        "status",
        "reason",
        "stripe_id",
    )
    list_filter = ("status", "reason")
    search_fields = ("=stripe_id", "=purchase__uuid")
    list_select_related = ("purchase",)


@admin.register(FraudWarning)
class FraudWarningAdmin(ReadOnlyAdmin):
    """Early fraud warnings: those without a time of resolving still hold credits."""

    list_display = ("created_at", "purchase", "fraud_type", "resolved_at", "resolved_by", "resolution")
    list_filter = (("resolved_at", admin.EmptyFieldListFilter), "fraud_type")
    search_fields = ("=stripe_id", "=purchase__uuid")
    list_select_related = ("purchase",)

    def get_urls(self) -> list[URLPattern]:
        """The page that ends one."""
        return [
            _page("<int:warning_id>/resolve/", operator_views.resolve, "fraudwarning_resolve"),
            *super().get_urls(),
        ]


def _page(route: str, view: Any, name: str) -> URLPattern:
    page: URLPattern = path(route, admin.site.admin_view(view), name=f"purchases_{name}")
    return page
