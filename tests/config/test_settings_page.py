"""docs/settings.md names every setting that is read, and none that is not."""

import re

from config import throttle_settings
from tests.environment import ROOT

READERS = (
    "config/settings.py",
    "config/trade_settings.py",
    "deploy/gunicorn.conf.py",
    "config/management/commands/demo.py",
)
READ = re.compile(r"\b(?:env\.\w+|os\.environ\.get)\(\s*\"([A-Z_]+)\"")


def test_every_setting_is_explained_and_no_other() -> None:
    read = {name for path in READERS for name in READ.findall((ROOT / path).read_text())}
    throttles = {f"THROTTLE_{name.upper()}" for name in throttle_settings.DEFAULTS}
    rows = re.findall(r"^\| (`[^|]+) \|", (ROOT / "docs/settings.md").read_text(), re.MULTILINE)

    assert {name for row in rows for name in re.findall(r"`([A-Z_]+)`", row)} == read | throttles
