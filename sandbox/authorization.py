"""Who may call the API: any test key. A live key is refused, and no key is ever repeated or kept."""

import base64
import binascii
import re

from sandbox.errors import Refusal
from sandbox.web import Request


def check_key(request: Request) -> None:
    key = _key_in(request.header("authorization"))
    if not key:
        raise Refusal(
            "You did not provide an API key. You need to provide your API key in the Authorization header, "
            "using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').",
            status=401,
        )
    if re.match("(sk|rk|pk)_live_", key):
        raise Refusal(
            "This is a sandbox: it refuses live keys. Use any key that starts with sk_test_ or rk_test_.",
            status=401,
            code="livemode_mismatch",
        )
    if key.startswith("pk_test_"):
        raise Refusal(
            "This API call cannot be made with a publishable API key. Please use a secret API key.",
            status=401,
            code="secret_key_required",
        )
    if re.fullmatch("(sk|rk)_test_[A-Za-z0-9_]+", key) is None:
        shown = key[:3] + "*" * 8 + (key[-4:] if len(key) > 11 else "")
        raise Refusal(f"Invalid API Key provided: {shown}", status=401)


def _key_in(header: str) -> str:
    scheme, _, value = header.partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value, validate=True).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            return ""
    return ""
