"""Purchases and events, to look at. The ledger and Stripe decide; nothing is edited here."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from purchases.models import Purchase, StripeEvent


class ReadOnlyAdmin(admin.ModelAdmin[Any]):
    """Lists and looks; no adding, changing or deleting."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Purchase)
class PurchaseAdmin(ReadOnlyAdmin):
    """What was sold, how it stands, and which net credited it."""

    list_display = (
        "reference",
        "created_at",
        "owner",
        "tier_name",
        "credits",
        "bonus_credits",
        "price_minor",
        "currency",
        "status",
        "credited_via",
        "is_late",
        "is_duplicate",
    )
    list_filter = ("status", "credited_via", "is_late", "is_duplicate", "currency", "tier_slug")
    search_fields = ("=uuid", "=stripe_session_id", "=payment_intent", "owner__email")
    list_select_related = ("owner",)
    show_full_result_count = False


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
    show_full_result_count = False
