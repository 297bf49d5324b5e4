"""The pictures that `make screenshots` takes are those that are kept, and those that the README shows."""

import re

from tests.environment import ROOT
from tests.smoke.pictures import FOLDER, KEPT


def test_every_picture_is_taken_kept_and_shown() -> None:
    shown = re.findall(r"docs/pictures/([\w-]+)\.png", (ROOT / "README.md").read_text())

    assert KEPT == {path.stem for path in FOLDER.iterdir()} == set(shown)
