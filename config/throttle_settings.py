"""How often somebody may do one thing, from the environment. settings.py takes it over."""

from typing import Any

from django.core.exceptions import ImproperlyConfigured

from config.environment import Environment

# By client address; "starts" and "proof_mails" by person, other mails by the address typed in.
DEFAULTS = {
    "guests": "100/3600",
    "starts": "60/600",
    "sign_ups": "100/3600",
    "resets": "20/3600",
    "claims": "20/3600",
    "claim_mails": "5/3600",
    "reset_mails": "5/3600",
    "proof_mails": "5/3600",
}

MOST = 10**9  # what the database's column counts to
LONGEST = 365 * 86_400


def read(env: Environment) -> dict[str, Any]:
    """Return THROTTLES: a count and its seconds by name, from `THROTTLE_...=COUNT/SECONDS`."""
    return {"THROTTLES": {name: _throttle(env, name, default) for name, default in DEFAULTS.items()}}


def _throttle(env: Environment, name: str, default: str) -> tuple[int, int]:
    setting = f"THROTTLE_{name.upper()}"
    most, _, seconds = env.str(setting, default=default).partition("/")
    try:
        throttle = int(most), int(seconds)
    except ValueError:
        throttle = 0, 0
    if min(throttle) < 1 or throttle[0] > MOST or throttle[1] > LONGEST:
        raise ImproperlyConfigured(f"{setting} is written as COUNT/SECONDS, such as {default}.")
    return throttle
