"""Identifiers that look as Stripe's do."""

import secrets
import string

_ALPHABET = string.ascii_letters + string.digits


def new_id(prefix: str, length: int = 24) -> str:
    return prefix + "".join(secrets.choice(_ALPHABET) for _ in range(length))


def session_id() -> str:
    return new_id("cs_test_a1", 56)


def intent_id() -> str:
    return new_id("pi_3", 23)


def charge_id() -> str:
    return new_id("ch_3", 23)


def refund_id() -> str:
    return new_id("re_3", 23)


def event_id() -> str:
    return new_id("evt_1", 23)


def request_id() -> str:
    return new_id("req_", 14)
