"""Who may buy: anybody who is signed in, guests too (settings.GUEST_VIEWS makes them before a view runs).

Others sign in first and come back to a page, never to a POST address.
"""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from checkout.errors import OwnerEnded
from checkout.forms import TierForm

Rest = ParamSpec("Rest")
View = Callable[Concatenate[HttpRequest, Rest], HttpResponse]


def buyer_required(view: View[Rest]) -> View[Rest]:
    """Send a visitor to the sign-in, and from there to the page that the request was made on."""

    @wraps(view)
    def guarded(request: HttpRequest, /, *args: Rest.args, **kwargs: Rest.kwargs) -> HttpResponse:
        if request.user.is_authenticated:
            try:
                return view(request, *args, **kwargs)
            except OwnerEnded:
                pass  # a guest who was claimed while this request was under way: the sign-in leads on
        return redirect_to_login(_page_behind(request, **kwargs))

    return guarded


def _page_behind(request: HttpRequest, **kwargs: object) -> str:
    if "session_id" in kwargs:
        return reverse("checkout:detail", args=[kwargs["session_id"]])
    form = TierForm(request.POST)
    if form.is_valid():
        return reverse("purchases:tier", args=[form.cleaned_data["tier"].slug])
    return reverse("purchases:pricing")
