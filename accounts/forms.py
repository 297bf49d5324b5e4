"""The forms of signing in, registering and passwords. They check what was typed; the verbs do the work."""

from typing import Any

from django import forms
from django.contrib.auth import authenticate
from django.contrib.auth import forms as auth_forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts import passwords
from accounts.addresses import LONGEST, normalised
from accounts.models import User


def _twice(fields: tuple[forms.CharField, forms.CharField]) -> tuple[forms.CharField, forms.CharField]:
    """A password and the same again; the label of the second says all that there is to say."""
    first, again = fields
    again.label, again.help_text = _("The same password again"), ""
    return first, again


class AddressField(forms.EmailField):
    """An e-mail address in the form in which we keep it."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("label", _("E-mail address"))
        kwargs.setdefault("widget", forms.EmailInput(attrs={"autocomplete": "email"}))
        super().__init__(max_length=LONGEST, **kwargs)

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        return normalised(text) if text else text


class SignInForm(auth_forms.AuthenticationForm):
    """E-mail address and password; which of the two was wrong is not told."""

    username = auth_forms.UsernameField(
        label=_("E-mail address"), widget=forms.EmailInput(attrs={"autofocus": True})
    )
    error_messages = {
        **auth_forms.AuthenticationForm.error_messages,
        "invalid_login": _("This e-mail address and password do not go together. Please try again."),
    }


class RegistrationForm(auth_forms.SetPasswordMixin, forms.Form):  # type: ignore[type-arg]
    """An address and a password, typed twice."""

    email = AddressField(
        widget=forms.EmailInput(attrs={"autocomplete": "email", "autofocus": True}),
        help_text=_("For signing in and for receipts; nobody else sees it."),
    )
    password1, password2 = _twice(auth_forms.SetPasswordMixin.create_password_fields())

    def clean(self) -> dict[str, Any] | None:
        self.validate_passwords()
        self.validate_password_for_user(User(email=self.cleaned_data.get("email")))
        return super().clean()

    def refuse_address(self) -> None:
        """Say no more than needed to somebody who may not own the address."""
        message = _(
            "An account cannot be made with this address. If it is yours, sign in or set a new password."
        )
        self.add_error("email", ValidationError(message, code="address_refused"))


class PasswordResetForm(forms.Form):
    """Asks for the address to which the link goes."""

    email = AddressField()


class ClaimForm(forms.Form):
    """Asks for the address that was given at Stripe."""

    email = AddressField(help_text=_("The one you gave when you paid."))


class NewPasswordForm(auth_forms.SetPasswordForm):  # type: ignore[type-arg]
    """The form behind the link in our e-mail."""

    user: User
    new_password1, new_password2 = _twice(
        auth_forms.SetPasswordMixin.create_password_fields(label1=_("New password"))
    )

    def save(self, commit: bool = True) -> User:
        passwords.reset(user=self.user, password=self.cleaned_data["new_password1"])
        return self.user


class PasswordChangeForm(auth_forms.PasswordChangeForm):
    """Asks for the old password, and counts wrong ones as the sign-in does."""

    user: User
    new_password1, new_password2 = _twice(
        auth_forms.SetPasswordMixin.create_password_fields(label1=_("New password"))
    )

    def __init__(self, user: User, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        self.request = request
        super().__init__(user, *args, **kwargs)

    def clean_old_password(self) -> str:
        old: str = self.cleaned_data["old_password"]
        if authenticate(self.request, username=self.user.email, password=old) != self.user:
            raise ValidationError(self.error_messages["password_incorrect"], code="password_incorrect")
        return old

    def save(self, commit: bool = True) -> User:
        passwords.change(user=self.user, password=self.cleaned_data["new_password1"])
        return self.user
