"""A buyer without a browser: forms, cookies and redirects over HTTP, standard library only."""

import http.cookiejar
import re
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from email.message import Message
from typing import Any


@dataclass(frozen=True)
class Page:
    """An answer after all its redirects."""

    url: str
    status: int
    html: str
    headers: Message = field(default_factory=Message)

    @property
    def state(self) -> str:
        """What the result page says of the purchase."""
        found = re.search(r'data-purchase-state="(\w+)"', self.html)
        return found.group(1) if found else ""

    @property
    def balance(self) -> int:
        """The balance that the page shows."""
        found = re.search(r'data-balance="(-?\d+)"', self.html)
        assert found, f"no balance on {self.url} ({self.status})"
        return int(found.group(1))

    @property
    def hidden(self) -> dict[str, str]:
        """What the page's forms carry along."""
        return hidden(self.html)

    def action(self, pattern: str) -> str:
        """The first form action that fits."""
        found = re.search(rf'action="({pattern})"', self.html)
        assert found, f"no form {pattern} on {self.url} ({self.status})"
        return found.group(1)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_args: Any, **_words: Any) -> None:
        return None


class Buyer:
    """One person with a cookie jar."""

    def __init__(self, base: str, *, timeout: float = 60) -> None:
        self.base, self.timeout = base, timeout
        self.cookies = http.cookiejar.CookieJar()
        cookies = urllib.request.HTTPCookieProcessor(self.cookies)
        self._opener = urllib.request.build_opener(cookies)
        self._still = urllib.request.build_opener(cookies, _NoRedirect())

    def get(self, url: str) -> Page:
        """Open a page."""
        return self._open(self._opener, urllib.request.Request(self._full(url)))

    def post(self, url: str, **fields: str) -> Page:
        """Send a form with its token and follow where it leads."""
        return self._open(self._opener, self._form(url, fields))

    def post_once(self, url: str, **fields: str) -> tuple[int, str]:
        """Send a form and return the status and the Location, not followed."""
        answer = self._open(self._still, self._form(url, fields))
        return answer.status, answer.headers.get("Location", "")

    def register(self, email: str, password: str = "correct-horse-battery") -> Page:
        """Make an account; signed in afterwards."""
        self.get("/accounts/register/")
        return self.post("/accounts/register/", email=email, password1=password, password2=password)

    def choose(self, tier: str = "plus") -> str:
        """Start a checkout; return the address of its Pay form."""
        self.get("/pricing/")
        return self.post("/checkout/", tier=tier).action('/purchases/pay/[^"]+/')

    def pay_address(self, tier: str = "plus") -> str:
        """Choose and press Pay; return the address of Stripe's page."""
        status, address = self.post_once(self.choose(tier))
        assert status == 303, f"Pay answered {status}"
        return address

    def _form(self, url: str, fields: dict[str, str]) -> urllib.request.Request:
        token = next((cookie.value or "" for cookie in self.cookies if cookie.name == "csrftoken"), "")
        body = urllib.parse.urlencode({"csrfmiddlewaretoken": token, **fields}).encode()
        return urllib.request.Request(self._full(url), data=body, headers={"Referer": self.base})

    def _open(self, opener: urllib.request.OpenerDirector, request: urllib.request.Request) -> Page:
        try:
            with opener.open(request, timeout=self.timeout) as answer:
                return Page(answer.url, answer.status, answer.read().decode(), answer.headers)
        except urllib.error.HTTPError as error:
            with error:
                return Page(error.url or request.full_url, error.code, error.read().decode(), error.headers)

    def _full(self, url: str) -> str:
        return urllib.parse.urljoin(self.base, url)


def hidden(html: str) -> dict[str, str]:
    """The hidden fields of a page's forms."""
    inputs = re.findall(r"<input type=\"hidden\"[^>]*>", html)
    pairs = [(re.search(r'name="([^"]*)"', found), re.search(r'value="([^"]*)"', found)) for found in inputs]
    return {name[1]: value[1] if value else "" for name, value in pairs if name}


def session_id(address: str) -> str:
    """The Checkout Session in the address of Stripe's page."""
    found = re.search(r"cs_test_\w+", address)
    assert found, address
    return found.group(0)
