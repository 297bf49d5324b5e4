"""The README's project of one's own: its two files are written out, and Coffer runs under them."""

import re
from pathlib import Path

from tests.config import production
from tests.environment import ROOT

LOOK = """
import django
django.setup()
from django.conf import settings
from django.core.management import call_command
from django.urls import get_resolver, resolve, reverse
from config.management.commands.demo import _environment
call_command("check")
print(resolve("/jobs/").func.__module__, reverse("purchases:pricing"))
print(get_resolver().resolve_error_handler(404).__module__)
print(_environment(1, 2, has_sandbox=False)["DJANGO_SETTINGS_MODULE"])
"""


def test_the_project_of_the_readme_runs(tmp_path: Path) -> None:
    blocks = re.findall(
        r"^```python\n# (shop/\w+\.py)\n(.*?)^```", (ROOT / "README.md").read_text(), re.M | re.S
    )
    written = {**dict(blocks), "shop/__init__.py": "", "shop/views.py": "def jobs(request): ..."}
    for path, source in written.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(source)

    done = production.run("-c", LOOK, DJANGO_SETTINGS_MODULE="shop.settings", PYTHONPATH=str(tmp_path))

    assert [name for name, _ in blocks] == ["shop/settings.py", "shop/urls.py"]
    assert done.stdout.splitlines()[-3:] == ["shop.views /pricing/", "config.views", "shop.settings"], (
        done.stderr
    )
