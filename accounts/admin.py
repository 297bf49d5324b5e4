"""People, for operators. No password is shown, not even hashed; nobody is deleted, only deactivated."""

from django import forms
from django.contrib import admin
from django.contrib.auth import admin as auth_admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts import key_admin  # noqa: F401  registers what it holds
from accounts.forms import AddressField, RegistrationForm
from accounts.models import User

RIGHTS = ("is_staff", "is_superuser", "groups", "user_permissions")


class UserForm(forms.ModelForm[User]):
    """A member keeps an address; a guest has none, and the field is not shown."""

    email = AddressField()

    class Meta:
        model = User
        fields = ("email", "is_active", *RIGHTS)


class NewUserForm(RegistrationForm, forms.ModelForm[User]):
    """What registration asks for, filled in by an operator."""

    class Meta:
        model = User
        fields = ("email",)

    def save(self, commit: bool = True) -> User:
        """Hash the password; the admin stores the row."""
        self.instance.set_password(self.cleaned_data["password1"])
        return super().save(commit=commit)


@admin.register(User)
class UserAdmin(auth_admin.UserAdmin[User]):
    """Only superusers touch staff and rights: whoever may set a password may become its owner."""

    form = UserForm
    add_form = NewUserForm
    list_display = (
        "email",
        "is_guest",
        "is_active",
        "is_staff",
        "email_verified_at",
        "last_login",
        "date_joined",
    )
    list_filter = ("is_guest", "is_active", "is_staff", "is_superuser", "date_joined")
    search_fields = ("email", "=id")
    ordering = ("-pk",)
    date_hierarchy = "date_joined"
    add_fieldsets = ((None, {"fields": ("email", "password1", "password2")}),)
    fieldsets = (
        (None, {"fields": ("email", "email_verified_at", "is_guest", "merged_into", "is_active")}),
        (_("Rights"), {"fields": RIGHTS, "classes": ("collapse",)}),
        (_("Dates"), {"fields": ("last_login", "date_joined")}),
    )

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        fixed: tuple[str, ...] = ("email_verified_at", "is_guest", "merged_into", "last_login", "date_joined")
        if obj is not None and obj.is_guest:
            fixed += ("email",)
        if obj is not None and obj.merged_into_id is not None:
            fixed += ("is_active",)  # ended for ever: the database says so too
        return fixed if _is_superuser(request) else fixed + RIGHTS

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        if obj is not None and obj.is_staff and not _is_superuser(request):
            return False
        return super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: User, form: forms.ModelForm[User], change: bool) -> None:
        """A changed address is not proven yet."""
        if change and "email" in form.changed_data:
            obj.email_verified_at = None
        super().save_model(request, obj, form, change)


def _is_superuser(request: HttpRequest) -> bool:
    return bool(getattr(request.user, "is_superuser", False))
