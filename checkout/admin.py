"""Tiers to edit; checkout sessions to look at."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from checkout import currencies, withdrawing
from checkout.amounts import amount, in_place
from checkout.metrics import session_metrics
from checkout.models import CheckoutSession, Tier
from outbox.read_only import ReadOnlyAdmin
from outbox.whole_numbers import WholeNumberField

PRICE = amount("price_minor", gettext_lazy("price"))


class TierAdminForm(forms.ModelForm[Tier]):
    """Refuses a price that Stripe could not charge."""

    class Meta:
        model = Tier
        fields = (
            "name",
            "slug",
            "description",
            "credits",
            "bonus_credits",
            "price_minor",
            "currency",
            "expires_after_days",
            "badge",
            "order",
            "active",
        )
        field_classes = dict.fromkeys(
            ("credits", "bonus_credits", "price_minor", "expires_after_days", "order"), WholeNumberField
        )

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        price, currency = values.get("price_minor"), values.get("currency")
        if price and currency:
            step = currencies.smallest_step(currency)
            if price % step:
                message = _("Stripe charges %(currency)s in multiples of %(step)s only.")
                self.add_error(
                    "price_minor", ValidationError(message, params={"currency": currency, "step": step})
                )
            if price > (most := currencies.most_charge(currency)):
                message = _("Stripe charges %(most)s at most.")
                self.add_error(
                    "price_minor",
                    ValidationError(message, params={"most": currencies.written(most, currency)}),
                )
        return values


@admin.register(Tier)
class TierAdmin(admin.ModelAdmin[Tier]):
    """What is for sale. A change touches no session that has begun; a tier that was sold cannot be deleted."""

    form = TierAdminForm
    list_display = (
        "name",
        "slug",
        "credits",
        "bonus_credits",
        "price",
        "price_each",
        "badge",
        "order",
        "active",
    )
    list_editable = ("order", "active")
    list_filter = ("active", "currency")
    search_fields = ("name", "slug")
    prepopulated_fields = {"slug": ("name",)}
    readonly_fields = ("created_at", "updated_at", "past_prices")
    actions = ("withdraw",)

    @admin.action(
        description=gettext_lazy("Withdraw from sale, ending the orders begun"), permissions=["change"]
    )
    def withdraw(self, request: HttpRequest, tiers: QuerySet[Tier]) -> None:
        for tier in tiers:
            ended = withdrawing.withdraw(tier=tier)
            text = _("%(name)s is withdrawn; %(count)s orders that were begun have ended.")
            self.message_user(request, text % {"name": tier.name, "count": ended}, messages.SUCCESS)

    def save_model(self, request: HttpRequest, obj: Tier, form: Any, change: bool) -> None:
        """A tier that is switched off in a form is withdrawn too."""
        super().save_model(request, obj, form, change)
        if change and "active" in form.changed_data and not obj.active:
            transaction.on_commit(lambda: withdrawing.withdraw(tier=obj))

    @admin.display(description=gettext_lazy("price"), ordering="price_minor")
    def price(self, tier: Tier) -> str:
        return currencies.written(tier.price_minor, tier.currency)

    @admin.display(description=gettext_lazy("prices, past and present"))
    def past_prices(self, tier: Tier) -> str:
        """Newest first."""
        rows = (
            (
                date_format(each.since, "DATETIME_FORMAT"),
                currencies.written(each.price_minor, each.currency),
                f"{each.credits} + {each.bonus_credits}",
            )
            for each in tier.prices.all()
        )
        return format_html("<ul>{}</ul>", format_html_join("", "<li>{}: {} ({})</li>", rows))

    @admin.display(description=gettext_lazy("per credit"))
    def price_each(self, tier: Tier) -> str:
        return currencies.written_each(tier.price_minor, tier.currency, count=tier.total_credits)


@admin.register(CheckoutSession)
class CheckoutSessionAdmin(ReadOnlyAdmin):
    """Read-only: a session moves by its verbs alone, and the database refuses the rest."""

    list_display = ("id", "owner", "tier_name", PRICE, "status", "end_reason", "created_at", "expires_at")
    list_filter = ("status", "end_reason", "tier_slug", "created_at")
    search_fields = ("=id", "owner__email", "tier_slug")
    list_select_related = ("owner",)
    ordering = ("-created_at",)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The list, below how checkouts went in the last seven days."""
        metrics = session_metrics()
        context = {
            "metrics": metrics,
            "completion_rate": _percent(metrics.completion_rate),
            "recovery_rate": _percent(metrics.recovery_rate),
        }
        return super().changelist_view(request, {**(extra_context or {}), **context})

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """All of them, money with its currency."""
        return in_place(super().get_fields(request, obj), {"price_minor": PRICE})


def _percent(share: float | None) -> str:
    return "\u2013" if share is None else f"{share:.0%}"
