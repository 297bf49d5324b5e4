"""`{% this_page %}`: the address to come back to. A `next` that leads away is left out: no page repeats it.

What answered a form at an address without a page of its own is come back to at the form, else at `/`.
"""

from urllib.parse import urlsplit, urlunsplit

from django import template
from django.http import QueryDict
from django.template import Context
from django.utils.http import url_has_allowed_host_and_scheme

from checkout import coming_back

register = template.Library()


@register.simple_tag(takes_context=True)
def this_page(context: Context) -> str:
    """Path and query of the page that is shown, or, of a form's answer, of the page with the form; nothing where there
    is no request."""
    request = context.get("request")
    if request is None:
        return ""
    if not coming_back.is_a_page(request.path, request):
        form = urlsplit(request.headers.get("referer", ""))
        here = urlunsplit(form._replace(scheme="", netloc="", fragment=""))
        return here if form.netloc == request.get_host() and coming_back.is_a_page(here, request) else "/"
    query: QueryDict = request.GET
    leads_away = not url_has_allowed_host_and_scheme(
        query.get("next", "/"), allowed_hosts={request.get_host()}
    )
    return str(request.path if leads_away else request.get_full_path())
