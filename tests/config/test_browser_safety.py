"""What every answer tells the browser, over http here and over https in production."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from csp.decorators import csp_update
from csp.middleware import CSPMiddleware
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from pytest_django.fixtures import Settings

from accounts.models import User
from config.middleware import ContentPolicy
from tests.config import production

OPEN = [
    "/pricing/",
    "/accounts/login/",
    "/accounts/register/",
    "/accounts/password-reset/",
    "/accounts/password-reset/done/",
    "/accounts/password-reset/MQ/abc/",
    "/admin/login/",
    "/nowhere/",
    "/healthz/live",
    "/healthz/ready",
]
PERSONAL = ["/purchases/", "/credits/", "/accounts/password-change/"]
PROBE = """
import json, os
import config.wsgi
from django.test import Client
def told(path, **how):
    answer = Client(SERVER_NAME="credits.example.com").generic(how.pop("method", "GET"), path, **how)
    cookies = {name: {key: str(morsel[key]) for key in ("secure", "httponly", "samesite")}
               for name, morsel in answer.cookies.items()}
    return {"status": answer.status_code, "headers": dict(answer.headers), "cookies": cookies}
from django.conf import settings
proxied = {"HTTP_X_FORWARDED_PROTO": "https", "HTTP_X_FORWARDED_FOR": "192.0.2.1"}
print(json.dumps({
    "https": told("/accounts/login/", **proxied),
    "http": told("/accounts/login/"),
    "webhook": told("/webhooks/stripe/", method="POST"),
    "webhook_without_slash": told("/webhooks/stripe", method="POST"),
    "live": told("/healthz/live"),
    "session": [settings.SESSION_COOKIE_SECURE, settings.SESSION_COOKIE_HTTPONLY, settings.SESSION_COOKIE_SAMESITE],
}))
"""


def policy(header: str) -> dict[str, str]:
    pairs = [part.strip().partition(" ") for part in header.split(";") if part.strip()]
    return {name: value for name, _, value in pairs}


def is_guarded(headers: Any) -> None:
    told = policy(headers["Content-Security-Policy"])
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert (told["default-src"], told["frame-ancestors"], told["base-uri"]) == ("'none'", "'none'", "'none'")
    assert (told["script-src"], told["style-src"], told["connect-src"]) == ("'self'", "'self'", "'self'")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Permissions-Policy"].startswith("camera=(), ")
    assert {"private", "no-store"} <= set(headers["Cache-Control"].split(", "))
    assert headers["X-Request-ID"]


@pytest.mark.parametrize("path", OPEN)
def test_every_open_page_is_guarded(db: None, path: str) -> None:
    is_guarded(Client().get(path).headers)


@pytest.mark.parametrize("path", PERSONAL)
def test_every_personal_page_is_guarded(alice_client: Client, path: str) -> None:
    response = alice_client.get(path)

    assert response.status_code == 200
    is_guarded(response.headers)


def test_refusals_are_guarded(db: None) -> None:
    is_guarded(Client(enforce_csrf_checks=True).post("/accounts/login/").headers)
    is_guarded(Client().get("/accounts/logout/").headers)
    is_guarded(Client().get("/", headers={"host": "evil.example"}).headers)


def test_style_sheet_may_be_kept_by_caches(db: None) -> None:
    response = Client().get("/static/css/site.css")
    response.close()

    assert response.status_code == 200
    assert "no-store" not in response.headers["Cache-Control"]
    assert response.headers["X-Content-Type-Options"] == "nosniff"


def test_cookies_are_out_of_reach_of_scripts_and_come_back_from_stripe(alice: User) -> None:
    browser = Client()

    browser.get("/accounts/login/")
    browser.post("/accounts/login/", {"username": "alice@example.com", "password": "alice-password"})

    flags = {name: (bool(morsel["httponly"]), morsel["samesite"]) for name, morsel in browser.cookies.items()}
    assert flags == dict.fromkeys(["csrftoken", "sessionid", "coffer_member"], (True, "Lax"))


def test_form_from_another_site_is_refused(alice: User) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.get("/accounts/login/")
    form = {
        "username": "alice@example.com",
        "password": "alice-password",
        "csrfmiddlewaretoken": browser.cookies["csrftoken"].value,
    }

    assert (
        browser.post("/accounts/login/", form, headers={"origin": "https://evil.example"}).status_code == 403
    )
    assert browser.post("/accounts/login/", form, headers={"origin": "null"}).status_code == 403
    assert "sessionid" not in browser.cookies
    assert browser.post("/accounts/login/", form, headers={"origin": "http://testserver"}).status_code == 302


@pytest.fixture(scope="module")
def in_production() -> dict[str, Any]:
    done = production.run("-c", PROBE)
    assert done.returncode == 0, done.stderr
    answers: dict[str, Any] = json.loads(done.stdout)
    return answers


def test_production_is_guarded(in_production: dict[str, Any]) -> None:
    is_guarded(in_production["https"]["headers"])
    assert in_production["https"]["headers"]["Strict-Transport-Security"] == "max-age=31536000"


def test_production_leads_from_http_to_https(in_production: dict[str, Any]) -> None:
    assert in_production["http"]["status"] == 301
    assert in_production["http"]["headers"]["Location"] == "https://credits.example.com/accounts/login/"


@pytest.mark.parametrize("address", ["webhook", "webhook_without_slash"])
def test_production_never_redirects_a_webhook(in_production: dict[str, Any], address: str) -> None:
    assert in_production[address]["status"] == 400


def test_production_answers_probes_over_http(in_production: dict[str, Any]) -> None:
    assert in_production["live"]["status"] == 200


def test_production_cookies_travel_encrypted_only(in_production: dict[str, Any]) -> None:
    assert in_production["https"]["cookies"] == {
        "csrftoken": {"secure": "True", "httponly": "True", "samesite": "Lax"}
    }
    assert in_production["session"] == [True, True, "Lax"]


def test_production_forms_lead_to_us_and_to_stripe_alone(in_production: dict[str, Any]) -> None:
    told = policy(in_production["https"]["headers"]["Content-Security-Policy"])

    assert told["form-action"] == "'self' https://checkout.stripe.com"


def test_an_answer_with_a_policy_of_its_own_keeps_that_to_itself(
    rf: RequestFactory, settings: Settings
) -> None:
    def plain(_request: HttpRequest) -> HttpResponse:
        return HttpResponse()

    styled = csp_update({"style-src": ["'unsafe-inline'"]})(plain)

    def told(middleware: Callable[..., Any]) -> list[dict[str, str]]:
        asked = middleware(lambda request: styled(request) if request.GET else plain(request))
        return [
            policy(asked(rf.get(path)).headers["Content-Security-Policy"]) for path in ("/", "/?own=1", "/")
        ]

    assert told(ContentPolicy) == told(CSPMiddleware)
    assert [words["style-src"] for words in told(ContentPolicy)] == [
        "'self'",
        "'self' 'unsafe-inline'",
        "'self'",
    ]
    settings.CONTENT_SECURITY_POLICY = {"DIRECTIVES": {"default-src": ["'none'"], "style-src": ["'none'"]}}
    assert told(ContentPolicy) == told(CSPMiddleware)
