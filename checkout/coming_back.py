"""Where people may be led: pages of ours, by their local address. And where a buyer came from, for the result page."""

from django.conf import settings
from django.http import HttpRequest
from django.urls import Resolver404, resolve
from django.utils.http import url_has_allowed_host_and_scheme

KEY = "came_from"
LONGEST = 2000


def is_a_page(url: str, request: HttpRequest) -> bool:
    """Whether `url` is of this site and no place that only takes forms: whoever is led there would meet a 405."""
    if not url_has_allowed_host_and_scheme(url, {request.get_host()}, require_https=request.is_secure()):
        return False
    try:
        view = resolve(url.partition("?")[0].partition("#")[0])
    except Resolver404:
        return True  # a 404 is a page too
    return not {view.view_name, view.namespace}.intersection(settings.VIEWS_WITHOUT_A_PAGE)


def remember(request: HttpRequest) -> None:
    """Keep the `next` of a form, where it is a page of ours."""
    url = request.POST.get("next", "")
    if url and len(url) <= LONGEST and is_a_page(url, request):
        request.session[KEY] = url


def page_before(request: HttpRequest) -> str | None:
    """The page that buying began on, if it said so."""
    return request.session.get(KEY)
