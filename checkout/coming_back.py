"""Where a buyer came from, so that the result can lead back there. Kept in the browser's session; local pages only."""

from django.http import HttpRequest
from django.utils.http import url_has_allowed_host_and_scheme

KEY = "came_from"
LONGEST = 2000


def remember(request: HttpRequest) -> None:
    """Keep the `next` of a form, where it is a page of ours."""
    url = request.POST.get("next", "")
    if url and len(url) <= LONGEST and url_has_allowed_host_and_scheme(url, {request.get_host()}):
        request.session[KEY] = url


def page_before(request: HttpRequest) -> str | None:
    """The page that buying began on, if it said so."""
    return request.session.get(KEY)
