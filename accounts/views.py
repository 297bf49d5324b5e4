"""Signing in and out, registering, passwords: Django's own views with our forms and pages."""

from typing import Any

from django.conf import settings
from django.contrib.auth import forms as auth_forms
from django.contrib.auth import login
from django.contrib.auth import views as auth_views
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, resolve_url
from django.urls import reverse_lazy
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.generic import FormView

from accounts import registration
from accounts.errors import AddressTaken
from accounts.forms import (
    NewPasswordForm,
    PasswordChangeForm,
    PasswordResetForm,
    RegistrationForm,
    SignInForm,
)

PASSWORD_BACKEND = "django.contrib.auth.backends.ModelBackend"  # noqa: S105  a class, not a password


class LeadingOn(auth_views.RedirectURLMixin):
    """A door that leads on to `next` where that is a page of ours, and that members who are in need not pass."""

    request: HttpRequest

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.user.is_authenticated and not request.user.is_guest:
            return redirect(self.get_success_url())
        response: HttpResponseBase = super().dispatch(request, *args, **kwargs)  # type: ignore[misc]
        return response

    def get_default_redirect_url(self) -> str:
        return resolve_url(settings.LOGIN_REDIRECT_URL)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)  # type: ignore[misc]
        return {**context, self.redirect_field_name: self.get_redirect_url()}


class SignIn(LeadingOn, auth_views.LoginView):
    """E-mail and password; ten wrong ones are answered 429 by django-axes."""

    form_class = SignInForm
    template_name = "accounts/login.html"


@method_decorator([sensitive_post_parameters(), never_cache], name="dispatch")
class Register(LeadingOn, FormView[RegistrationForm]):
    """Make an account and be signed in with it."""

    form_class = RegistrationForm
    template_name = "accounts/register.html"

    def form_valid(self, form: RegistrationForm) -> HttpResponse:
        email, password = form.cleaned_data["email"], form.cleaned_data["password1"]
        try:
            user = registration.register(email=email, password=password)
        except AddressTaken:
            form.refuse_address()
            return self.form_invalid(form)
        login(self.request, user, backend=PASSWORD_BACKEND)
        return redirect(self.get_success_url())


class SignOut(auth_views.LogoutView):
    """By POST only."""

    template_name = "accounts/logged_out.html"


class PasswordReset(auth_views.PasswordResetView):
    """Send the link, if the address is known; the answer is the same if it is not."""

    form_class = PasswordResetForm
    template_name = "accounts/password_reset.html"
    email_template_name = "accounts/password_reset_email.txt"
    subject_template_name = "accounts/password_reset_subject.txt"
    success_url = reverse_lazy("accounts:password_reset_done")

    def form_valid(self, form: auth_forms.PasswordResetForm) -> HttpResponse:
        # Not from the Host header, which a stranger chooses.
        self.extra_email_context = {
            "base_url": settings.PUBLIC_BASE_URL,
            "brand": {"name": settings.BRAND_NAME},
        }
        return super().form_valid(form)


class PasswordResetConfirm(auth_views.PasswordResetConfirmView):
    """Where the link leads."""

    form_class = NewPasswordForm
    template_name = "accounts/password_reset_confirm.html"
    success_url = reverse_lazy("accounts:password_reset_complete")


class PasswordChange(auth_views.PasswordChangeView):
    """For somebody who is signed in and knows the old password."""

    form_class = PasswordChangeForm
    template_name = "accounts/password_change.html"
    success_url = reverse_lazy("accounts:password_change_done")

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "request": self.request}
