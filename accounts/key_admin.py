"""Back ends and their keys, for operators. A new key is shown once; nothing that can be shown again is kept."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Max, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts import api_keys
from accounts.api_keys import NewKey
from accounts.models import ApiClient, ApiKey


class ApiClientForm(forms.ModelForm[ApiClient]):
    """A client may do something."""

    class Meta:
        model = ApiClient
        fields = ("name", "owner", "may_read", "may_spend", "may_grant", "expires_at")

    def clean(self) -> dict[str, Any] | None:
        given = super().clean() or {}
        if not any(given.get(f"may_{scope}") for scope in api_keys.SCOPES):
            raise forms.ValidationError(_("Choose what it may do."), code="no_scope")
        return given


@admin.register(ApiClient)
class ApiClientAdmin(admin.ModelAdmin[ApiClient]):
    """What is stored is revoked, not deleted: its holds and spends name it."""

    form = ApiClientForm
    list_display = ("name", "owner", "allowed", "created_at", "expires_at", "revoked_at", "last_used")
    list_select_related = ("owner",)
    search_fields = ("name", "keys__prefix", "owner__email")
    raw_id_fields = ("owner",)
    ordering = ("-pk",)
    actions = ("rotate", "revoke")

    def get_queryset(self, request: HttpRequest) -> QuerySet[ApiClient]:
        return super().get_queryset(request).annotate(used_at=Max("keys__last_used_at"))

    def has_delete_permission(self, request: HttpRequest, obj: ApiClient | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: ApiClient, form: Any, change: bool) -> None:
        """A new client has its first key at once."""
        super().save_model(request, obj, form, change)
        if not change:
            self._show(request, api_keys.issue(client=obj))

    @admin.display(description=_("scopes"))
    def allowed(self, client: ApiClient) -> str:
        """What it may do."""
        return ", ".join(client.scopes)

    @admin.display(description=_("last used at"), ordering="used_at")
    def last_used(self, client: ApiClient) -> Any:
        """When any of its keys was last shown, to the minute."""
        return getattr(client, "used_at", None)

    @admin.action(description=_("Give a new key; the old ones end in 24 hours"), permissions=["change"])
    def rotate(self, request: HttpRequest, chosen: QuerySet[ApiClient]) -> None:
        """Rotate the keys of the chosen clients."""
        for client in chosen.filter(revoked_at__isnull=True):
            self._show(request, api_keys.rotate(client=client))
            self.log_change(request, client, "Rotated the key.")

    @admin.action(description=_("Revoke for ever, with all keys"), permissions=["change"])
    def revoke(self, request: HttpRequest, chosen: QuerySet[ApiClient]) -> None:
        """End the chosen clients."""
        for client in chosen:
            api_keys.revoke_client(client)
            self.log_change(request, client, "Revoked.")

    def _show(self, request: HttpRequest, made: NewKey) -> None:
        text = _("The key of %(name)s, shown only now: %(key)s")
        self.message_user(request, text % {"name": made.client.name, "key": made.key}, messages.WARNING)


@admin.register(ApiKey)
class ApiKeyAdmin(admin.ModelAdmin[ApiKey]):
    """To look at and to revoke; made and rotated with the client."""

    list_display = ("prefix", "client", "created_at", "expires_at", "revoked_at", "last_used_at")
    list_select_related = ("client",)
    fields = list_display
    search_fields = ("prefix", "client__name")
    ordering = ("-pk",)
    actions = ("revoke",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: ApiKey | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: ApiKey | None = None) -> bool:
        return False

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        """Whoever may change a client may end a key of its."""
        return request.user.has_perm("accounts.change_apiclient")

    @admin.action(description=_("Revoke for ever"), permissions=["revoke"])
    def revoke(self, request: HttpRequest, chosen: QuerySet[ApiKey]) -> None:
        """End the chosen keys."""
        for key in chosen:
            api_keys.revoke(key)
            self.log_change(request, key, "Revoked.")
