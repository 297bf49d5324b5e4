"""Messages, to look at."""

from django.contrib import admin
from django.http import HttpRequest

from outbox.models import Message


@admin.register(Message)
class MessageAdmin(admin.ModelAdmin[Message]):
    """Read-only: a message is a consequence, not a thing to edit."""

    list_display = ("created_at", "topic", "user", "state", "attempts", "sent_at")
    list_filter = ("state", "topic")
    search_fields = ("key", "user__email")
    list_select_related = ("user",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Message | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Message | None = None) -> bool:
        return False
