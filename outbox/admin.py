"""Messages and webhook deliveries, to look at and to replay; webhook endpoints, to manage."""

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.validators import URLValidator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from outbox import delivering, signing, targets
from outbox.models import Delivery, Endpoint, Message, Topic
from outbox.read_only import ReadOnlyAdmin


@admin.register(Message)
class MessageAdmin(ReadOnlyAdmin):
    """What was told, and whether its e-mail has gone."""

    list_display = ("created_at", "topic", "user", "state", "attempts", "sent_at")
    list_filter = ("state", "topic")
    search_fields = ("key", "user__email")
    list_select_related = ("user",)
    exclude = ("fallback_address",)  # a guest's, shown to nobody


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    """What went to which endpoint, and what it answered."""

    list_display = (
        "created_at",
        "topic",
        "endpoint",
        "state",
        "attempts",
        "status_code",
        "error",
        "delivered_at",
    )
    list_filter = ("state", "endpoint", "message__topic")
    search_fields = ("=message__uuid", "message__key")
    list_select_related = ("message", "endpoint")
    actions = ("deliver_again",)

    @admin.display(description=_("topic"), ordering="message__topic")
    def topic(self, delivery: Delivery) -> str:
        """What it tells of."""
        return delivery.message.topic

    def has_replay_permission(self, request: HttpRequest) -> bool:
        """Whoever may change an endpoint may also have it told again."""
        return request.user.has_perm("outbox.change_endpoint")

    @admin.action(description=_("Deliver again"), permissions=["replay"])
    def deliver_again(self, request: HttpRequest, chosen: QuerySet[Delivery]) -> None:
        """Queue the chosen deliveries from the start."""
        count = delivering.replay(chosen)
        text = ngettext("%d delivery will be made again.", "%d deliveries will be made again.", count)
        self.message_user(request, text % count, messages.SUCCESS)


class EndpointForm(forms.ModelForm[Endpoint]):
    """An address and what it is told of."""

    topics = forms.MultipleChoiceField(
        label=_("Topics"), choices=Topic.choices, widget=forms.CheckboxSelectMultiple
    )

    class Meta:
        model = Endpoint
        fields = ("url", "description", "topics", "is_active")

    def clean_url(self) -> str:
        """Refuse what a delivery would refuse."""
        url: str = self.cleaned_data["url"]
        if not targets.is_address(url):
            raise forms.ValidationError(URLValidator.message)
        if settings.WEBHOOKS_TO_PRIVATE_ADDRESSES:
            return url
        if not url.startswith("https://"):
            raise forms.ValidationError(_("The address must begin with https://."))
        if not targets.is_public(url):
            raise forms.ValidationError(_("The address leads into a private network."))
        return url


@admin.register(Endpoint)
class EndpointAdmin(admin.ModelAdmin[Endpoint]):
    """Who is told of what. The secret is shown to those who may change it."""

    form = EndpointForm
    list_display = ("__str__", "url", "is_active", "created_at")
    list_filter = ("is_active",)
    actions = ("rotate_secret",)

    def get_readonly_fields(self, request: HttpRequest, obj: Endpoint | None = None) -> tuple[str, ...]:
        may_see = obj is not None and self.has_change_permission(request, obj)
        return ("secret", "old_secret_until") if may_see else ()

    def get_fields(self, request: HttpRequest, obj: Endpoint | None = None) -> tuple[str, ...]:
        return ("url", "description", "topics", "is_active", *self.get_readonly_fields(request, obj))

    @admin.display(description=_("signing secret"))
    def secret(self, endpoint: Endpoint) -> str:
        """What the receiver verifies with."""
        return signing.secret_of(endpoint)

    @admin.action(description=_("Rotate the signing secret"), permissions=["change"])
    def rotate_secret(self, request: HttpRequest, chosen: QuerySet[Endpoint]) -> None:
        """Begin a new secret; the old one signs along for a day."""
        for endpoint in chosen:
            signing.rotate(endpoint)
            self.log_change(request, endpoint, "Rotated the signing secret.")
        self.message_user(
            request, _("The new secret stands on the endpoint's page; the old one is valid for a day more.")
        )
