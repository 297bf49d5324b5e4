"""Signing in and out, registering, passwords: Django's own views with our forms and pages."""

from contextlib import suppress
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import forms as auth_forms
from django.contrib.auth import login
from django.contrib.auth import views as auth_views
from django.contrib.auth.decorators import user_passes_test
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render, resolve_url
from django.urls import reverse_lazy
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe
from django.views.generic import FormView

from accounts import claim_links, claims, guests, proving, registration, resetting, throttling
from accounts.errors import AddressTaken, ClaimLinkDead, GuestEnded, ProofLinkDead
from accounts.forms import (
    ClaimForm,
    NewPasswordForm,
    PasswordChangeForm,
    PasswordResetForm,
    RegistrationForm,
    SignInForm,
)
from accounts.models import User
from accounts.passwords import PASSWORD_BACKEND
from checkout import coming_back
from purchases import claim_mail

PROVEN_ADDRESS = "proven_address"  # in the session of a guest who followed a claim link


FORM_METHODS = ["get", "head", "options", "post"]  # Django's form views take a PUT for a POST


class LeadingOn(auth_views.RedirectURLMixin):
    """A door that leads on to `next` where that is a page of ours, and that members who are in need not pass."""

    request: HttpRequest

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.user.is_authenticated and not request.user.is_guest:
            return HttpResponseRedirect(self.get_success_url())
        response: HttpResponseBase = super().dispatch(request, *args, **kwargs)  # type: ignore[misc]
        return response

    def get_redirect_url(self) -> str:  # type: ignore[override]
        """A page of ours by its path: what begins otherwise would be read from the page that one stands on."""
        url: str = super().get_redirect_url()
        return url if url.startswith("/") and coming_back.is_a_page(url, self.request) else ""

    def get_default_redirect_url(self) -> str:
        return resolve_url(settings.LOGIN_REDIRECT_URL)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)  # type: ignore[misc]
        return {**context, self.redirect_field_name: self.get_redirect_url()}


class SignIn(LeadingOn, auth_views.LoginView):
    """E-mail and password; ten wrong ones are answered 429 by django-axes. What a guest has comes along."""

    http_method_names = FORM_METHODS
    form_class = SignInForm
    template_name = "accounts/login.html"

    def form_valid(self, form: auth_forms.AuthenticationForm) -> HttpResponse:
        guest, user = self.request.user, form.get_user()
        assert isinstance(user, User)
        if guest.is_authenticated:
            # Before the guest's session is thrown away: should this fail, nothing is lost and signing in works again.
            with suppress(GuestEnded):
                claims.claim(guest=guest, user=user)
        return super().form_valid(form)


@method_decorator([sensitive_post_parameters(), never_cache], name="dispatch")
class Register(LeadingOn, FormView[RegistrationForm]):
    """Make an account and be signed in with it; a guest becomes it, with all that they have."""

    http_method_names = FORM_METHODS
    form_class = RegistrationForm
    template_name = "accounts/register.html"

    def get_initial(self) -> dict[str, Any]:
        user = self.request.user
        return {"email": claim_mail.address_given_by(user.pk)} if user.is_authenticated else {}

    def form_valid(self, form: RegistrationForm) -> HttpResponse:
        email, password = form.cleaned_data["email"], form.cleaned_data["password1"]
        guest = self.request.user
        try:
            if guest.is_authenticated:
                proven = self.request.session.get(PROVEN_ADDRESS, "")
                user = registration.upgrade(
                    guest=guest, email=email, password=password, proven_address=proven
                )
            else:
                user = registration.register(email=email, password=password)
        except AddressTaken:
            form.refuse_address()
            return self.form_invalid(form)
        except GuestEnded:
            # Claimed a moment ago from another browser: the credits are with that account.
            return redirect("accounts:login")
        # Another user or another password than the session's: Django throws its content and key away.
        login(self.request, user, backend=PASSWORD_BACKEND)
        return HttpResponseRedirect(self.get_success_url())


class SignOut(auth_views.LogoutView):
    """By POST only. A guest who signs out would lose what they have: they are led to choosing a password."""

    template_name = "accounts/logged_out.html"

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.user.is_authenticated and request.user.is_guest:
            return _keep_first(request)
        response: HttpResponse = super().post(request, *args, **kwargs)
        return response


class PasswordReset(FormView[PasswordResetForm]):
    """Send the link, if the address is known; the answer is the same if it is not."""

    http_method_names = FORM_METHODS
    form_class = PasswordResetForm
    template_name = "accounts/password_reset.html"
    success_url = reverse_lazy("accounts:password_reset_done")

    def form_valid(self, form: PasswordResetForm) -> HttpResponse:
        address = form.cleaned_data["email"]
        throttling.count("reset_mails", who=address)
        resetting.mail_link(address)
        return super().form_valid(form)


class PasswordResetConfirm(auth_views.PasswordResetConfirmView):
    """Where the link leads."""

    http_method_names = FORM_METHODS
    form_class = NewPasswordForm
    template_name = "accounts/password_reset_confirm.html"
    success_url = reverse_lazy("accounts:password_reset_complete")


class PasswordChange(auth_views.PasswordChangeView):
    """For somebody who is signed in and knows the old password."""

    http_method_names = FORM_METHODS
    form_class = PasswordChangeForm
    template_name = "accounts/password_change.html"
    success_url = reverse_lazy("accounts:password_change_done")

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.user.is_authenticated and request.user.is_guest:
            return _keep_first(request)
        response: HttpResponseBase = super().dispatch(request, *args, **kwargs)
        return response

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "request": self.request}


@require_http_methods(["GET", "HEAD", "POST"])
def claim(request: HttpRequest) -> HttpResponse:
    """Ask for the link that brings back a guest's credits. The answer is the same whatever address is typed."""
    form = ClaimForm(request.POST or None)
    if not form.is_valid():
        return render(request, "accounts/claim.html", {"form": form})
    address = form.cleaned_data["email"]
    throttling.count("claim_mails", who=address)
    claim_mail.mail_links(address)
    return redirect("accounts:claim_sent")


@require_safe
def claim_sent(request: HttpRequest) -> HttpResponse:
    """What to do now."""
    return render(request, "accounts/claim_sent.html")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def claim_link(request: HttpRequest, token: str) -> HttpResponse:
    """Where the link leads: a button, because programs that scan mails open links."""
    try:
        if request.method != "POST":
            purchase = claim_links.purchase_behind(token)
            return render(request, "accounts/claim_link.html", {"purchase": purchase})
        redeemed = claim_links.redeem(token=token, visitor=request.user)
    except ClaimLinkDead:
        return render(request, "accounts/claim_dead.html", status=410)
    if redeemed.user.is_guest:
        guests.keep_signed_in(request, redeemed.user)
        request.session[PROVEN_ADDRESS] = redeemed.address
        messages.success(request, _("Here is your purchase. Choose a password to keep your credits."))
    else:
        messages.success(request, _("The credits and purchases are in your account now."))
    return redirect("purchases:detail", redeemed.purchase.uuid)


member_required = user_passes_test(lambda user: user.is_authenticated and not user.is_guest)


@member_required
@require_http_methods(["GET", "HEAD", "POST"])
def prove(request: HttpRequest) -> HttpResponse:
    """Whether one's address is proven, and a button for another link."""
    assert isinstance(request.user, User)  # member_required, said to the type checker
    if request.method != "POST":
        return render(request, "accounts/prove.html")
    throttling.count("proof_mails", who=str(request.user.pk))
    if proving.mail_link(request.user):
        messages.info(request, _("A link is on its way to you."))
    else:
        messages.info(request, _("A link was sent a short while ago. It may take a few minutes."))
    return redirect("accounts:prove")


@never_cache
@member_required
@require_http_methods(["GET", "HEAD", "POST"])
def prove_link(request: HttpRequest, token: str) -> HttpResponse:
    """Where the link leads: a button, because programs that scan mails open links."""
    assert isinstance(request.user, User)  # member_required, said to the type checker
    try:
        if request.method != "POST":
            proving.check(token=token, user=request.user)
            return render(request, "accounts/prove.html", {"has_link": True})
        proving.prove(token=token, user=request.user)
    except ProofLinkDead:
        messages.warning(request, _("This link does not work any more, or it is for another account."))
    return redirect("accounts:prove")


def _keep_first(request: HttpRequest) -> HttpResponse:
    messages.info(request, _("Choose a password first, so that you can come back to your credits."))
    return redirect("accounts:register")
